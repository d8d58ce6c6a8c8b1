import { expect, test } from 'vitest';
import { secondsOf, spanOf } from './spans';

test('a span is read by its unit', () => {
  expect(secondsOf('30d')).toBe(2_592_000);
  expect(secondsOf(' 1.5 h ')).toBe(5400);
  expect(secondsOf('2w')).toBe(1_209_600);
});

test('what has no unit is no span', () => {
  expect(secondsOf('30')).toBeNull();
  expect(secondsOf('soon')).toBeNull();
  expect(secondsOf('')).toBeNull();
});

test('seconds are written in the greatest unit that fits', () => {
  expect(spanOf(2_592_000)).toBe('30d');
  expect(spanOf(5400)).toBe('90m');
  expect(spanOf(3601)).toBe('3601s');
});
