import { expect, test } from 'vitest';
import { differences, fromPlain, Num, readJson, writeJson } from './json';

test('numbers stay as they were written', () => {
  const text = '{"a":18446744073709551615,"b":1.10,"c":1e400}';
  expect(writeJson(readJson(text), '').replaceAll('\n', '').replaceAll(': ', ':')).toBe(text);
});

test('names that objects have of their own are names like any other', () => {
  expect(readJson('{"__proto__":1}')).toEqual(new Map([['__proto__', new Num('1')]]));
});

test('what is no JSON is refused', () => {
  for (const text of ['', '{', '[1,]', '01', '{"a" 1}', 'nul', '1 2', '"\n']) {
    expect(() => readJson(text), text).toThrow(SyntaxError);
  }
});

test('two values differ where they differ, whatever the order of their members', () => {
  const before = fromPlain({ a: 1, b: { c: [1, 2] }, same: 'x', gone: null });
  const after = fromPlain({ same: 'x', b: { c: [1, 3, 4] }, a: 1 });
  expect(differences(before, after)).toEqual([
    { path: 'b.c.1', before: '2', after: '3' },
    { path: 'b.c.2', before: null, after: '4' },
  ]);
});
