import { Ago } from './Times';

const STAMP = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/;

/** The server's words, with their times as the reader likes them. */
export function Sentence({ text }: { text: string }) {
  return text.split(STAMP).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence
    STAMP.test(part) ? <Ago key={index} at={part} /> : <span key={index}>{part.replace(/ at $/, ' ')}</span>,
  );
}
