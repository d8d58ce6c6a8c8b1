import type { TaskQuery } from '../api/client';
import { STATES } from './words';

/** A filter as an address holds it: each word with its values. */
export type Search = Record<string, string[]>;

/** What may be asked of the list of tasks. `many`: any of several values. */
export interface Field {
  key: string;
  says: string;
  example: string;
  many: boolean;
  values?: readonly string[];
}

const SPANS = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;

export const FIELDS: readonly Field[] = [
  { key: 'state', says: 'where it stands', example: 'failed', many: true, values: STATES },
  { key: 'kind', says: 'what kind of work', example: 'train', many: true },
  { key: 'queue', says: 'where it is meant to run', example: 'gpu', many: true },
  { key: 'label', says: 'a label it carries', example: 'team=ml', many: true },
  {
    key: 'reason',
    says: 'why it stands there',
    example: 'timeout',
    many: true,
    values: ['backoff', 'lost', 'timeout', 'rejected', 'upstream'],
  },
  { key: 'job', says: 'the job it belongs to', example: '0197…', many: false },
  { key: 'creator', says: 'who made it', example: 'ci', many: false },
  { key: 'ref', says: 'its id in the outside system', example: 'run-104', many: false },
  { key: 'created', says: 'how long ago at most it was made', example: '24h', many: false, values: SPANS },
  { key: 'updated', says: 'how long ago at most it changed', example: '1h', many: false, values: SPANS },
  { key: 'completed', says: 'how long ago at most it ended', example: '7d', many: false, values: SPANS },
];
const KEYS = new Map(FIELDS.map((field) => [field.key, field]));
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads an address's search part. Words that we do not know are kept. */
export function parseSearch(text: string): Search {
  const search: Search = {};
  for (const part of text.replace(/^\?/, '').split('&')) {
    if (!part) continue;
    const [name = '', rest = ''] = split(part, '=');
    const values = rest.split(',').map(plain).filter(Boolean);
    if (values.length > 0) search[plain(name)] = values;
  }
  return search;
}

/** Writes an address's search part: values joined by commas, legible where it can be. */
export function writeSearch(search: Record<string, unknown>): string {
  const parts = Object.entries(search).flatMap(([name, values]) => {
    const list = Array.isArray(values) ? values.filter((v): v is string => typeof v === 'string') : [];
    return list.length > 0 ? [`${safe(name)}=${list.map(safe).join(',')}`] : [];
  });
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

function safe(text: string): string {
  return encodeURIComponent(text).replaceAll('%3D', '=').replaceAll('%3A', ':').replaceAll('%2F', '/');
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function split(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export interface Typed {
  /** What the typed text asks for. */
  search: Search;
  /** A word without a key: an id, perhaps. */
  bare: string[];
  /** What cannot be taken, and why. */
  problems: string[];
}

/** Reads what was typed: `state:failed kind:train,eval label:team=ml`, quotes around spaces. */
export function readTyped(text: string): Typed {
  const typed: Typed = { search: {}, bare: [], problems: [] };
  for (const found of text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)) {
    const word = found[0];
    const [key, rest] = split(word.replaceAll('"', ''), ':');
    const field = KEYS.get(key);
    if (!word.includes(':') || !field) {
      typed.bare.push(word.replaceAll('"', ''));
      continue;
    }
    const values = field.key === 'label' ? [rest] : rest.split(',').filter(Boolean);
    const problem = complaint(field, values);
    if (problem) typed.problems.push(problem);
    else typed.search[key] = field.many ? [...(typed.search[key] ?? []), ...values] : values;
  }
  return typed;
}

function complaint(field: Field, values: string[]): string | null {
  if (values.length === 0 || values[0] === '')
    return `${field.key}: say which, as in ${field.key}:${field.example}`;
  if (!field.many && values.length > 1) return `${field.key}: one value only`;
  const state = field.key === 'state' ? values.find((v) => !STATES.includes(v as never)) : undefined;
  if (state) return `state: ${state} is none of ${STATES.join(', ')}`;
  if (field.key === 'label' && !values[0]?.includes('='))
    return 'label: write key=value, as in label:team=ml';
  if (['created', 'updated', 'completed'].includes(field.key) && !rangeOf(values[0] ?? '', 0)) {
    return `${field.key}: write a span such as 15m, 24h or 7d, or two times joined by ..`;
  }
  return null;
}

/** The two ends of `24h` or of `2026-11-20..2026-11-21`, as the API wants them. */
export function rangeOf(text: string, now: number): { after?: string; before?: string } | null {
  const short = /^(\d{1,6})([smhdw])$/.exec(text);
  if (short) return { after: new Date(now - Number(short[1]) * (UNITS[short[2] ?? ''] ?? 0)).toISOString() };
  const ends = text.split('..');
  if (ends.length !== 2) return null;
  const range: { after?: string; before?: string } = {};
  const [first = '', last = ''] = ends;
  if (first) {
    if (Number.isNaN(Date.parse(first))) return null;
    range.after = new Date(first).toISOString();
  }
  if (last) {
    if (Number.isNaN(Date.parse(last))) return null;
    range.before = new Date(last).toISOString();
  }
  return first || last ? range : null;
}

/** The API's filter of an address; what it cannot take is left out. */
export function filterOf(search: Search, now: number): TaskQuery {
  const query: TaskQuery = {};
  const states = (search['state'] ?? []).filter((s) => STATES.includes(s as never));
  if (states.length > 0) query.state = states as NonNullable<TaskQuery['state']>;
  if (search['kind']) query.kind = search['kind'];
  if (search['queue']) query.queue = search['queue'];
  if (search['reason']) query.reason = search['reason'];
  const labels = (search['label'] ?? []).filter((label) => label.includes('='));
  if (labels.length > 0) query.label = labels;
  const [job] = search['job'] ?? [];
  if (job) query.job_id = job;
  const [creator] = search['creator'] ?? [];
  if (creator) query.creator = creator;
  const [ref] = search['ref'] ?? [];
  if (ref) query.external_ref = ref;
  for (const field of ['created', 'updated', 'completed'] as const) {
    const range = rangeOf(search[field]?.[0] ?? '', now);
    if (range?.after) query[`${field}_after`] = range.after;
    if (range?.before) query[`${field}_before`] = range.before;
  }
  return query;
}

export const ORDERS = ['created', 'updated', 'completed'] as const;

/** The order of an address: `-created` is newest first. */
export function orderOf(search: Search): Pick<TaskQuery, 'order' | 'direction'> {
  const word = search['sort']?.[0] ?? '-created';
  const order = ORDERS.find((name) => name === word.replace(/^-/, '')) ?? 'created';
  return { order, direction: word.startsWith('-') ? 'desc' : 'asc' };
}

/** Whether anything but order, panel and the like is asked for. */
export function isFiltered(search: Search): boolean {
  return FIELDS.some((field) => search[field.key] !== undefined);
}

/** The search without one value of a word. */
export function without(search: Search, key: string, value: string): Search {
  const left = (search[key] ?? []).filter((v) => v !== value);
  const { [key]: _gone, ...rest } = search;
  return left.length > 0 ? { ...rest, [key]: left } : rest;
}

/** The query string of a request. */
export function queryString(query: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** Words that may come next behind what is typed. */
export function completions(typed: string, known: Record<string, readonly string[]>): string[] {
  const word = typed.slice(typed.lastIndexOf(' ') + 1);
  const lead = typed.slice(0, typed.length - word.length);
  const [key, rest] = split(word, ':');
  if (!word.includes(':')) {
    return FIELDS.filter((field) => field.key.startsWith(key)).map((field) => `${lead}${field.key}:`);
  }
  const field = KEYS.get(key);
  if (!field) return [];
  const comma = field.many && field.key !== 'label' ? rest.lastIndexOf(',') + 1 : 0;
  const begun = rest.slice(comma).toLowerCase();
  const values = field.values ?? known[key] ?? [];
  return values
    .filter((value) => value.toLowerCase().includes(begun) && value !== rest.slice(comma))
    .slice(0, 12)
    .map((value) => `${lead}${key}:${rest.slice(0, comma)}${/\s/.test(value) ? `"${value}"` : value}`);
}
