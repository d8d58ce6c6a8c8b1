import type { Shape } from '../api/client';

/** A line of the editor: a field of a report, and where its value is. */
export interface Row {
  field: string;
  at: string;
  /** `success=succeeded`: the sender's word and ours. */
  values: string[];
  /** What stands for words that are not among them; empty: the word itself. */
  otherwise: string;
}

export interface Draft {
  each: string;
  when: string;
  rows: Row[];
}

export const FIELDS = [
  'task_id',
  'state',
  'occurred_at',
  'progress',
  'message',
  'reason',
  'reported_status',
  'result',
  'results',
  'error',
  'metadata',
  'attempt',
  'started_at',
  'completed_at',
  'delivery_id',
  'source',
  'kind',
  'name',
  'queue',
  'labels',
  'external_ref',
  'job_id',
  'shard',
  'origin',
  'extra',
  'note',
] as const;

export const BLANK: Draft = {
  each: '',
  when: '',
  rows: [
    { field: 'task_id', at: '', values: [], otherwise: '' },
    { field: 'state', at: '', values: [], otherwise: '' },
  ],
};

/** A word as it is typed: what would read as a number or the like stands in quotes. */
function written(value: unknown): string {
  return typeof value === 'string' && read(value) === value && value !== '' ? value : JSON.stringify(value);
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function draftOf(shape: Shape | null): Draft {
  if (shape === null) return BLANK;
  return {
    each: shape.each ?? '',
    when: shape.when ?? '',
    rows: Object.entries(shape.report).map(([field, found]) =>
      typeof found === 'string'
        ? { field, at: found, values: [], otherwise: '' }
        : {
            field,
            at: found.at,
            values: Object.entries(found.values ?? {}).map(([word, ours]) => `${word}=${written(ours)}`),
            otherwise: found.otherwise === undefined ? '' : written(found.otherwise),
          },
    ),
  };
}

/** The mapping that the lines say; null: nothing is said yet. Lines without an expression are left out. */
export function shapeOf(draft: Draft): Shape | null {
  const rows = draft.rows.filter((row) => row.field.trim() !== '' && row.at.trim() !== '');
  if (rows.length === 0) return null;
  return {
    ...(draft.each.trim() ? { each: draft.each.trim() } : {}),
    ...(draft.when.trim() ? { when: draft.when.trim() } : {}),
    report: Object.fromEntries(rows.map((row) => [row.field.trim(), pickOf(row)])),
  };
}

function pickOf(row: Row): Shape['report'][string] {
  const at = row.at.trim();
  if (row.values.length === 0 && row.otherwise.trim() === '') return at;
  const values = row.values.map((pair): [string, unknown] => {
    const cut = pair.indexOf('=');
    return cut < 0 ? [pair, pair] : [pair.slice(0, cut).trim(), read(pair.slice(cut + 1).trim())];
  });
  return {
    at,
    // The description of the API says no more of the values than that they are JSON.
    values: Object.fromEntries(values) as Record<string, never>,
    ...(row.otherwise.trim() ? { otherwise: read(row.otherwise.trim()) } : {}),
  };
}

/** Whether the lines can say all of a mapping: a word of the sender with `=` in it they cannot. */
export function fits(shape: Shape | null): boolean {
  if (shape === null) return true;
  return Object.values(shape.report).every(
    (found) =>
      typeof found === 'string' ||
      Object.keys(found.values ?? {}).every((w) => w.trim() === w && !w.includes('=')),
  );
}
