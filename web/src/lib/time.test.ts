import { expect, test } from 'vitest';
import { ago, span, stamp } from './time';

test('spans are never negative and say what matters', () => {
  const said = [-5, 400, 9_990, 59_999, 185_000, 7_800_000, 360_000_000].map(span);
  expect(said).toEqual(['0ms', '400ms', '9.9s', '59s', '3m 05s', '2h 10m', '4d 4h']);
});

test('what is to come is told as such', () => {
  expect([ago(0, 1000), ago(0, 90_000), ago(60_000, 0)]).toEqual(['just now', '1m ago', 'in 1m']);
});

test('a stamp is of the zone that was asked for', () => {
  const at = Date.parse('2026-11-22T23:30:00.250Z');
  expect(stamp(at, 'UTC')).toBe('2026-11-22 23:30:00.250');
  expect(stamp(at, 'Asia/Tokyo')).toBe('2026-11-23 08:30:00.250');
  expect(stamp(at, 'UTC', true)).toBe('23:30:00');
});
