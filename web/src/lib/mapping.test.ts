import { expect, test } from 'vitest';
import type { Shape } from '../api/client';
import { draftOf, fits, shapeOf } from './mapping';

const SHAPE = {
  each: 'jobs[]',
  when: "action == 'completed'",
  report: {
    task_id: 'run.id',
    state: {
      at: 'run.conclusion',
      values: { success: 'succeeded', 'timed out': 'failed' },
      otherwise: 'cancelled',
    },
    progress: { at: 'phase', values: { done: 100, text: '100' } },
  },
} as unknown as Shape;

test('a mapping comes back from the editor as it went in', () => {
  expect(shapeOf(draftOf(SHAPE))).toEqual(SHAPE);
});

test('lines without an expression say nothing', () => {
  expect(shapeOf(draftOf(null))).toBeNull();
});

test('what the lines cannot say is left to JSON', () => {
  expect(fits(SHAPE)).toBe(true);
  expect(fits({ report: { state: { at: 's', values: { 'a=b': 'failed' } } } } as unknown as Shape)).toBe(
    false,
  );
});
