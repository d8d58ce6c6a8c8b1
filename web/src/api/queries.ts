import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, said } from './client';
import { useLive } from './useLive';

export type CountedBy = 'state' | 'queue' | 'kind';

/** How many tasks there are by state, queue or kind; follows the feed. */
export function useCounts(by: CountedBy, archived: 'false' | 'true' = 'false') {
  const queries = useQueryClient();
  const queryKey = ['counts', by, archived];
  useLive(
    (batch) => batch.events.some((event) => event.state !== null),
    () => void queries.invalidateQueries({ queryKey }),
    1500,
  );
  return useQuery({
    queryKey,
    queryFn: ({ signal }) => said(api.GET('/v1/counts', { params: { query: { by, archived } }, signal })),
  });
}
