export default function TaskView(_: { id: string; close?: () => void }) {
  return null;
}
