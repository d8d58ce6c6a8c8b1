import { type InfiniteData, type QueryKey, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { filterOf, orderOf, type Search, writeSearch } from '../lib/filter';
import { api, said, type TaskQuery, type TaskSummary } from './client';
import { useLive } from './useLive';

const FIRST = 60;
const PAGE = 200;
/** So many new rows are held back at most; with more the list is read anew. */
const NEWS_MAX = 200;
/** So few changed rows are asked for one by one; more, as the list of what changed lately. */
const SINGLY_MAX = 8;
const CHANGED_MAX = 500;
const OVERLAP_MS = 10_000;

interface Page {
  items: TaskSummary[];
  next_cursor: string | null;
}
type Pages = InfiniteData<Page, string | null>;

export interface TaskList {
  tasks: TaskSummary[];
  error: Error | null;
  loading: boolean;
  hasMore: boolean;
  more: () => void;
  /** How many came since the list was read; they wait to be shown. */
  news: number;
  newsIsMore: boolean;
  showNews: () => void;
  refresh: () => void;
  /** The filter as it was sent. */
  query: TaskQuery;
}

/** A list of tasks by keyset pages, whose rows follow the feed. */
export function useTaskList(search: Search, archived: 'false' | 'true'): TaskList {
  const queries = useQueryClient();
  const words = useMemo(() => wordsOf(search), [search]);
  const [read, setRead] = useState(0);
  // The end of "the last 24 hours" stands still while pages are read.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `read` counts the times it was read anew
  const query = useMemo<TaskQuery>(
    () => ({ ...filterOf(words.search, Date.now()), ...orderOf(words.search), archived }),
    [words.text, archived, read],
  );
  const queryKey = useMemo(() => ['tasks', archived, words.text, read], [archived, words.text, read]);
  const list = useInfiniteQuery<Page, Error, Pages, QueryKey, string | null>({
    queryKey,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/tasks', {
          params: {
            query: { ...query, limit: pageParam ? PAGE : FIRST, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
  });
  const tasks = useMemo(() => unique(list.data), [list.data]);
  const { news, newsIsMore, take } = useFollowed(tasks, query, queryKey);
  const refresh = useCallback(() => setRead((n) => n + 1), []);
  const showNews = useCallback(() => {
    if (newsIsMore) return refresh();
    const rows = take();
    queries.setQueryData<Pages>(queryKey, (data) => {
      const [first, ...rest] = data?.pages ?? [];
      if (!data || !first) return data;
      return { ...data, pages: [{ ...first, items: [...rows, ...first.items] }, ...rest] };
    });
  }, [newsIsMore, refresh, take, queries, queryKey]);
  const { fetchNextPage, hasNextPage, isFetching } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetching]);
  return {
    tasks,
    error: list.error,
    loading: list.isFetching,
    hasMore: list.hasNextPage,
    more,
    news,
    newsIsMore,
    showNews,
    refresh,
    query,
  };
}

/** Keeps the rows as they are outside, and gathers those that would come on top. */
function useFollowed(tasks: TaskSummary[], query: TaskQuery, queryKey: unknown[]) {
  const queries = useQueryClient();
  const [rows, setRows] = useState<TaskSummary[]>([]);
  const known = useRef(new Map<string, TaskSummary>());
  known.current = useMemo(() => new Map(tasks.map((task) => [task.id, task])), [tasks]);
  const touched = useRef(new Set<string>());
  const newsIsMore = rows.length >= NEWS_MAX;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has no news yet
  useEffect(() => setRows([]), [queryKey]);

  const patch = useCallback(async () => {
    const ids = [...touched.current];
    touched.current.clear();
    if (ids.length === 0) return;
    const changed = ids.length <= SINGLY_MAX ? await each(ids) : await lately(known.current);
    const fresh = new Map(changed.map((task) => [task.id, task]));
    queries.setQueryData<Pages>(queryKey, (data) => data && patched(data, fresh));
  }, [queries, queryKey]);

  const look = useCallback(async () => {
    const order = query.order ?? 'created';
    if (query.direction !== 'desc') return;
    const field = `${order}_at` as const;
    const top = latest([...known.current.values()], field);
    const found = await said(
      api.GET('/v1/tasks', {
        params: { query: { ...query, limit: NEWS_MAX, ...(top ? { [`${order}_after`]: top } : {}) } },
      }),
    );
    setRows(found.items.filter((task) => !known.current.has(task.id)));
  }, [query]);

  useLive(
    (batch) => {
      for (const event of batch.events) {
        if (event.task_id && known.current.has(event.task_id)) touched.current.add(event.task_id);
      }
      return batch.events.some((event) => event.task_id !== null);
    },
    () => {
      // What cannot be asked just now is asked with the next change.
      void patch().catch(() => undefined);
      void look().catch(() => undefined);
    },
    1000,
  );

  const take = useCallback(() => {
    setRows([]);
    return rows;
  }, [rows]);
  return { news: rows.length, newsIsMore, take };
}

/** These tasks; one that is gone meanwhile is left as it is. */
async function each(ids: string[]): Promise<TaskSummary[]> {
  const answers = await Promise.allSettled(
    ids.map((id) => said(api.GET('/v1/tasks/{task_id}', { params: { path: { task_id: id } } }))),
  );
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** What changed since the rows were read. Changes become visible a little out of order. */
async function lately(rows: Map<string, TaskSummary>): Promise<TaskSummary[]> {
  const newest = latest([...rows.values()], 'updated_at');
  const after = newest ? { updated_after: new Date(Date.parse(newest) - OVERLAP_MS).toISOString() } : {};
  const query = {
    order: 'updated',
    direction: 'desc',
    archived: 'any',
    limit: CHANGED_MAX,
    ...after,
  } as const;
  const page = await said(api.GET('/v1/tasks', { params: { query } }));
  return page.items;
}

/** The part of an address that says which tasks, in which order. */
function wordsOf(search: Search): { search: Search; text: string } {
  const { task: _task, tab: _tab, cols: _cols, view: _view, ...words } = search;
  return { search: words, text: writeSearch(words) };
}

function unique(data: Pages | undefined): TaskSummary[] {
  const seen = new Map<string, TaskSummary>();
  for (const page of data?.pages ?? []) {
    for (const task of page.items) if (!seen.has(task.id)) seen.set(task.id, task);
  }
  return [...seen.values()];
}

/** The same pages with newer rows in their places; untouched rows stay the same objects. */
function patched(data: Pages, fresh: Map<string, TaskSummary>): Pages {
  const pages = data.pages.map((page) => {
    if (!page.items.some((task) => newer(fresh.get(task.id), task))) return page;
    const items = page.items.map((task) => {
      const now = fresh.get(task.id);
      return now && newer(now, task) ? now : task;
    });
    return { ...page, items };
  });
  return { ...data, pages };
}

function newer(now: TaskSummary | undefined, before: TaskSummary): boolean {
  return now !== undefined && now.version > before.version;
}

function latest(
  tasks: TaskSummary[],
  field: 'created_at' | 'updated_at' | 'completed_at',
): string | undefined {
  let found: string | undefined;
  for (const task of tasks) {
    const at = task[field];
    if (at && (found === undefined || at > found)) found = at;
  }
  return found;
}
