import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Json, readJson } from '../lib/json';
import { inPath } from '../lib/words';
import { api, type Problem, said, type Task } from './client';
import { useLive } from './useLive';

export interface WholeTask {
  task: Task;
  /** The wide parts with their numbers as they were written. */
  exact: Map<string, Json>;
}

/** A task with all that hangs on it; follows the feed. */
export function useTask(id: string) {
  const queries = useQueryClient();
  useLive(
    (batch) => batch.events.some((event) => event.task_id === id),
    () => void queries.invalidateQueries({ queryKey: ['task', id] }),
    700,
  );
  return useQuery<WholeTask, Problem>({
    queryKey: ['task', id],
    queryFn: async ({ signal }) => {
      const text = await said(
        api.GET('/v1/tasks/{task_id}', { params: { path: { task_id: id } }, signal, parseAs: 'text' }),
      );
      const exact = readJson(text);
      return { task: JSON.parse(text) as Task, exact: exact instanceof Map ? exact : new Map() };
    },
  });
}

export function useExplanation(id: string) {
  return useQuery({
    queryKey: ['task', id, 'explain'],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/tasks/{task_id}/explain', { params: { path: { task_id: id } }, signal })),
  });
}

export function useAttempts(id: string) {
  return useQuery({
    queryKey: ['task', id, 'attempts'],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/tasks/{task_id}/attempts', { params: { path: { task_id: id } }, signal })),
  });
}

const EVENTS = 100;

/** A task's events, the newest first, older ones on demand. */
export function useEvents(id: string) {
  return useInfiniteQuery({
    queryKey: ['task', id, 'events'],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/tasks/{task_id}/events', {
          params: {
            path: { task_id: id },
            query: { direction: 'desc', limit: EVENTS, ...(pageParam === null ? {} : { after: pageParam }) },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => (page.items.length < EVENTS ? undefined : page.next_after),
  });
}

export interface ExactResult {
  id: string | null;
  attempt: number;
  name: string;
  type: string | null;
  late: boolean;
  created_at: string;
  files: Record<string, unknown>[];
  data: unknown;
  exact: Json;
}

/** The task's results, with their numbers as they were written. */
export function useResults(id: string) {
  return useInfiniteQuery({
    queryKey: ['task', id, 'results'],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const text = await said(
        api.GET('/v1/tasks/{task_id}/results', {
          params: {
            path: { task_id: id },
            query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
          parseAs: 'text',
        }),
      );
      const plain = JSON.parse(text) as { items: Omit<ExactResult, 'exact'>[]; next_cursor: string | null };
      const read = readJson(text);
      const items = read instanceof Map ? read.get('items') : null;
      return {
        next_cursor: plain.next_cursor,
        items: plain.items.map((item, index): ExactResult => {
          const twin = Array.isArray(items) ? items[index] : null;
          return { ...item, exact: twin instanceof Map ? (twin.get('data') ?? null) : null };
        }),
      };
    },
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useShards(id: string, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: ['task', id, 'shards'],
    enabled,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/tasks/{task_id}/shards', {
          params: {
            path: { task_id: id },
            query: { limit: 500, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useGraph(id: string) {
  return useQuery({
    queryKey: ['task', id, 'graph'],
    queryFn: ({ signal }) =>
      said(
        api.GET('/v1/tasks/{task_id}/graph', {
          params: { path: { task_id: id }, query: { depth: 6, limit: 150 } },
          signal,
        }),
      ),
  });
}

export const apiPath = (id: string, rest = ''): string => `/v1/tasks/${inPath(id)}${rest}`;
