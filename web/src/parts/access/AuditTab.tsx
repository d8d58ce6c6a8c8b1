import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { api, said } from '../../api/client';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';

/** Who did what, the newest first. */
export function AuditTab() {
  const trail = useInfiniteQuery({
    queryKey: ['audit'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/audit', {
          params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
  const keys = useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => said(api.GET('/v1/keys', { signal })),
  });
  const names = new Map(keys.data?.items.map((key) => [`key:${key.id}`, key.name]));
  const items = trail.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="panel scroll" tabIndex={0}>
      {trail.error && <Trouble error={trail.error} retry={() => void trail.refetch()} />}
      <table className="table">
        <thead>
          <tr>
            <th>When</th>
            <th>Who</th>
            <th>Did</th>
            <th>To</th>
            <th>From</th>
            <th>Details</th>
          </tr>
        </thead>
        <tbody>
          {items.map((row) => (
            <tr key={row.id}>
              <td className="nowrap">
                <Ago at={row.at} />
              </td>
              <td title={row.actor}>{names.get(row.actor) ?? row.actor}</td>
              <td>{row.action}</td>
              <td className="mono">{row.target}</td>
              <td className="mono">{row.address}</td>
              <td className="mono small wrap">
                {Object.keys(row.details).length > 0 && JSON.stringify(row.details)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {trail.data && items.length === 0 && <div className="empty dim">Nothing was done yet.</div>}
      {trail.hasNextPage && (
        <Button m="xs" size="compact-sm" variant="default" onClick={() => void trail.fetchNextPage()}>
          Older
        </Button>
      )}
    </div>
  );
}
