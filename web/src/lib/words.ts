import type { Me, TaskState } from '../api/client';

export type Role = Me['role'];
const RANK: Record<Role, number> = { viewer: 1, worker: 2, operator: 3, admin: 4 };

/** Whether a role may do what needs another. */
export function may(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && RANK[role] >= RANK[needed];
}

export const STATES: TaskState[] = [
  'created',
  'blocked',
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
];
export const FINAL = new Set<string>(['succeeded', 'failed', 'cancelled']);

const NUMBER = new Intl.NumberFormat('en');
export const count = (n: number): string => NUMBER.format(n);

/** `1 task`, `12,400 tasks`. */
export function many(n: number, one: string, more = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : more}`;
}

/** An id for a path: slashes and all. */
export const inPath = (id: string): string => encodeURIComponent(id);

/** The end of a long id tells it from its neighbours. */
export function brief(id: string, length = 24): string {
  return id.length <= length ? id : `${id.slice(0, 8)}…${id.slice(-(length - 9))}`;
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
