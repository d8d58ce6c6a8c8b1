import { describe, expect, test } from 'vitest';
import {
  completions,
  filterOf,
  orderOf,
  parseSearch,
  rangeOf,
  readTyped,
  without,
  writeSearch,
} from './filter';

const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('addresses', () => {
  test('are read as they were written, commas and all', () => {
    const search = { kind: ['a,b', 'c d'], label: ['team=ml'], q: ['&?#%'] };
    expect(parseSearch(writeSearch(search))).toEqual(search);
  });

  test('stay legible', () => {
    expect(writeSearch({ label: ['team=ml'], state: ['failed', 'running'] })).toBe(
      '?label=team=ml&state=failed,running',
    );
  });

  test('keep words that nobody knows, and bear broken ones', () => {
    expect(parseSearch('?later=1&kind=%E0%A4%A&&x=')).toEqual({ later: ['1'], kind: ['%E0%A4%A'] });
  });
});

describe('what is typed', () => {
  test('is a filter, with several values for words that take them', () => {
    expect(readTyped('state:failed,running kind:"my kind" state:queued')).toEqual({
      search: { state: ['failed', 'running', 'queued'], kind: ['my kind'] },
      bare: [],
      problems: [],
    });
  });

  test('may be an id, colons and all', () => {
    expect(readTyped('0197-x urn:run:7').bare).toEqual(['0197-x', 'urn:run:7']);
  });

  test('is refused with every reason at once', () => {
    expect(readTyped('state:broken label:team created:soon kind:').problems).toHaveLength(4);
  });
});

test('a span is counted back from now, and two times are both ends', () => {
  expect(rangeOf('90m', NOW)).toEqual({ after: '2026-11-22T10:30:00.000Z' });
  expect(rangeOf('2026-11-20..2026-11-21', NOW)).toEqual({
    after: '2026-11-20T00:00:00.000Z',
    before: '2026-11-21T00:00:00.000Z',
  });
  expect(rangeOf('..', NOW)).toBeNull();
});

test('an address becomes the API’s filter, without what it cannot take', () => {
  const search = { state: ['failed', 'broken'], job: ['j'], ref: ['r'], created: ['24h'], other: ['x'] };
  expect(filterOf(search, NOW)).toEqual({
    state: ['failed'],
    job_id: 'j',
    external_ref: 'r',
    created_after: '2026-11-21T12:00:00.000Z',
  });
});

test('the order is newest first unless said otherwise', () => {
  expect(orderOf({})).toEqual({ order: 'created', direction: 'desc' });
  expect(orderOf({ sort: ['completed'] })).toEqual({ order: 'completed', direction: 'asc' });
});

test('the last value that is taken away takes its word along', () => {
  expect(without({ state: ['failed'], kind: ['a', 'b'] }, 'state', 'failed')).toEqual({ kind: ['a', 'b'] });
  expect(without({ kind: ['a', 'b'] }, 'kind', 'a')).toEqual({ kind: ['b'] });
});

test('completions are words first, then their values', () => {
  expect(completions('qu', {})).toEqual(['queue:']);
  expect(completions('state:failed kind:tr', { kind: ['train', 'scan', 'my tr'] })).toEqual([
    'state:failed kind:train',
    'state:failed kind:"my tr"',
  ]);
  expect(completions('state:failed,ru', {})).toEqual(['state:failed,running']);
});
