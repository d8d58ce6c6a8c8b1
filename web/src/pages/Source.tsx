import { Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, base, said } from '../api/client';
import { Id } from '../parts/Copyable';
import { Link } from '../parts/Link';
import { Reading } from '../parts/sources/Reading';
import { Sendings } from '../parts/sources/Sendings';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

/** One sender of signed webhooks: where it sends, how it is read, and what it sent. */
export default function Source() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const [pasted, setPasted] = useState<string | null>(null);
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => said(api.GET('/v1/sources', { params: { query: { limit: 200 } }, signal })),
  });
  const incoming = useQuery({
    queryKey: ['source', id],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/sources/{source_id}/incoming', { params: { path: { source_id: id } }, signal })),
  });
  const latest = useQuery({
    queryKey: ['source', id, 'latest'],
    queryFn: () => latestOf(id),
    staleTime: Infinity,
  });
  const sample = pasted ?? latest.data ?? '';
  const source = sources.data?.items.find((one) => one.id === id);
  return (
    <div className="page">
      <nav aria-label="Where" className="crumbs">
        <Link to="/sources">Sources</Link> <span aria-hidden>/</span> <span className="mono">{id}</span>
      </nav>
      <Stack gap={4} className="panel pad">
        <Group gap="xs">
          <h1 className="wrap">{source?.name ?? 'Source'}</h1>
          {source?.revoked_at && (
            <span className="chip chip-gray">
              revoked <Ago at={source.revoked_at} />
            </span>
          )}
        </Group>
        {incoming.data && (
          <Group gap="xs">
            <span className="dim small">Sends to</span>
            <Id id={`${base}${incoming.data.path}`} what="address" long />
          </Group>
        )}
      </Stack>
      {incoming.error && (
        <Trouble
          error={incoming.error}
          retry={() => void incoming.refetch()}
          title="The source could not be read"
        />
      )}
      {incoming.data && (
        <>
          <Reading
            key={incoming.data.source_id}
            incoming={incoming.data}
            sample={sample}
            setSample={setPasted}
          />
          <Sendings
            id={id}
            tryOn={(body) => {
              setPasted(body);
              document.getElementById('reading')?.scrollIntoView();
            }}
          />
        </>
      )}
    </div>
  );
}

/** What the source sent last, to try the mapping on; empty: nothing that is text. */
async function latestOf(id: string): Promise<string> {
  const path = { source_id: id };
  const { items } = await said(
    api.GET('/v1/sources/{source_id}/sendings', { params: { path, query: { limit: 1 } } }),
  );
  if (!items[0]) return '';
  const whole = await said(
    api.GET('/v1/sources/{source_id}/sendings/{sending_id}', {
      params: { path: { ...path, sending_id: items[0].id } },
    }),
  );
  return whole.encoding === 'text' ? whole.body : '';
}
