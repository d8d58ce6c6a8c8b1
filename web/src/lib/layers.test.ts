import { expect, test } from 'vitest';
import { layers } from './layers';

const columns = (things: Parameters<typeof layers>[0]) =>
  Object.fromEntries(layers(things).map((place) => [place.id, place.column]));

test('a thing stands behind all that it waits for', () => {
  expect(
    columns([
      { id: 'end', inputs: ['a', 'b'] },
      { id: 'a', inputs: ['start'] },
      { id: 'b', inputs: ['a'] },
      { id: 'start', inputs: ['not here'] },
    ]),
  ).toEqual({ start: 0, a: 1, b: 2, end: 3 });
});

test('a circle, which should not be, is drawn all the same', () => {
  expect(
    layers([
      { id: 'a', inputs: ['b'] },
      { id: 'b', inputs: ['a'] },
    ]),
  ).toHaveLength(2);
});

test('two thousand things are placed while nobody notices', () => {
  const things = Array.from({ length: 2000 }, (_, n) => ({
    id: `t${n}`,
    inputs: n < 20 ? [] : [`t${n - 20}`, `t${n - 1 - (n % 20)}`],
  }));
  const before = performance.now();
  expect(layers(things)).toHaveLength(2000);
  expect(performance.now() - before).toBeLessThan(1000);
});
