import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api, type Operation, said } from '../api/client';
import { count, inPath } from '../lib/words';
import { VERBS } from '../parts/actions';
import { Link } from '../parts/Link';
import { Ago, Took } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

const COLORS: Record<Operation['state'], string> = { running: 'blue', done: 'green', failed: 'red' };

/** Which tasks an operation was told to act on, in the words of the search. */
function which(operation: Operation): string {
  if (!operation.filter) return 'chosen one by one';
  const said = Object.entries(operation.filter as Record<string, unknown>);
  const words = said
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => `${key}:${value}`);
  return words.join(' ') || 'all tasks';
}

/** Bulk operations, the newest first. */
export default function Operations() {
  const list = useInfiniteQuery({
    queryKey: ['operations'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/operations', {
          params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some((o) => o.state === 'running')) ? 1000 : 15_000,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page">
      <h1>Operations</h1>
      {list.error && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {list.data && items.length === 0 && (
        <div className="panel empty">
          <h2>Nothing was done in bulk yet</h2>
          <p className="dim">
            Select tasks in the <Link to="/tasks">list</Link>, or all that match its filter, and choose what
            to do.
          </p>
        </div>
      )}
      {items.length > 0 && (
        <div className="panel scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Operation</th>
                <th>State</th>
                <th className="right">Tasks</th>
                <th className="right">Done</th>
                <th className="right">Left as they are</th>
                <th>By</th>
                <th>Began</th>
                <th>Took</th>
              </tr>
            </thead>
            <tbody>
              {items.map((operation) => (
                <tr key={operation.id}>
                  <td>
                    <Link to={`/operations/${inPath(operation.id)}`}>{VERBS[operation.verb].label}</Link>
                    <span className="dim small block wrap">{which(operation)}</span>
                    {operation.reason && <span className="small block wrap">{operation.reason}</span>}
                  </td>
                  <td>
                    <span className={`chip chip-${COLORS[operation.state]}`}>{operation.state}</span>
                  </td>
                  <td className="num right">{count(operation.total)}</td>
                  <td className="num right">{count(operation.done)}</td>
                  <td className="num right">{count(operation.refused)}</td>
                  <td>{operation.actor}</td>
                  <td>
                    <Ago at={operation.created_at} />
                  </td>
                  <td>
                    <Took
                      from={operation.created_at}
                      to={operation.completed_at}
                      running={operation.state === 'running'}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {list.hasNextPage && (
            <Button m="xs" size="compact-sm" variant="default" onClick={() => void list.fetchNextPage()}>
              More
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
