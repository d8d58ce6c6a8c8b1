export default function Operation() {
  return null;
}
