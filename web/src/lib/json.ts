/** A number as it was written: 18446744073709551615 and 1.10 stay what they are. */
export class Num {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type Json = null | boolean | string | Num | Json[] | Map<string, Json>;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORD = /true|false|null/y;

/** Reads JSON without rounding numbers. Throws `SyntaxError`. */
export function readJson(text: string): Json {
  let at = 0;

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) return null;
    at += found[0].length;
    return found[0];
  }

  function skip(): void {
    take(SPACE);
  }

  function expect(sign: string): void {
    skip();
    if (text[at] !== sign) throw new SyntaxError(`expected ${sign} at ${at}`);
    at += 1;
  }

  function ends(sign: string): boolean {
    skip();
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  }

  function list(): Json[] {
    const items: Json[] = [];
    if (ends(']')) return items;
    for (;;) {
      items.push(value());
      if (ends(']')) return items;
      expect(',');
    }
  }

  function object(): Map<string, Json> {
    const members = new Map<string, Json>();
    if (ends('}')) return members;
    for (;;) {
      skip();
      const name = take(STRING);
      if (name === null) throw new SyntaxError(`expected a name at ${at}`);
      expect(':');
      members.set(JSON.parse(name) as string, value());
      if (ends('}')) return members;
      expect(',');
    }
  }

  function value(): Json {
    skip();
    if (text[at] === '{') {
      at += 1;
      return object();
    }
    if (text[at] === '[') {
      at += 1;
      return list();
    }
    const string = take(STRING);
    if (string !== null) return JSON.parse(string) as string;
    const word = take(WORD);
    if (word !== null) return word === 'null' ? null : word === 'true';
    const number = take(NUMBER);
    if (number !== null) return new Num(number);
    throw new SyntaxError(`unexpected text at ${at}`);
  }

  const read = value();
  skip();
  if (at !== text.length) throw new SyntaxError(`unexpected text at ${at}`);
  return read;
}

/** Writes what `readJson` read, numbers as they were. */
export function writeJson(value: Json, indent = '  ', lead = ''): string {
  if (value instanceof Num) return value.source;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = lead + indent;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => inner + writeJson(item, indent, inner)).join(',\n')}\n${lead}]`;
  }
  if (value.size === 0) return '{}';
  const members = [...value].map(([k, v]) => `${inner}${JSON.stringify(k)}: ${writeJson(v, indent, inner)}`);
  return `{\n${members.join(',\n')}\n${lead}}`;
}

/** What an ordinary value looks like to the viewer. */
export function fromPlain(value: unknown): Json {
  return readJson(JSON.stringify(value ?? null));
}

export type Difference = { path: string; before: string | null; after: string | null };

/** Where two values differ, by path; the order of an object's members does not count. */
export function differences(before: Json, after: Json): Difference[] {
  const left = leaves(before);
  const right = leaves(after);
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .map((path) => ({ path, before: left.get(path) ?? null, after: right.get(path) ?? null }))
    .filter((row) => row.before !== row.after);
}

function leaves(value: Json, path = '', found = new Map<string, string>()): Map<string, string> {
  const entries: [string, Json][] | null = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : value instanceof Map
      ? [...value]
      : null;
  // What is null is as good as not there.
  if (value === null) return found;
  if (entries === null || entries.length === 0) found.set(path, writeJson(value));
  else for (const [name, item] of entries) leaves(item, path ? `${path}.${name}` : name, found);
  return found;
}
