import { Button, Group, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, said } from '../api/client';
import { useMay } from '../api/session';
import { curl } from '../lib/curl';
import { fromPlain } from '../lib/json';
import { count, inPath, many } from '../lib/words';
import { Curl, Id } from '../parts/Copyable';
import { JsonView } from '../parts/JsonView';
import { Link } from '../parts/Link';
import { taskPath } from '../parts/nav';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

const COLORS: Record<string, string> = {
  delivered: 'green',
  failed: 'red',
  abandoned: 'red',
  due: 'blue',
  waiting: 'gray',
};

/** One hook: how it stands, and every delivery with what was answered. */
export default function Hook() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const queries = useQueryClient();
  const isAdmin = useMay('admin');
  const refresh = () => {
    void queries.invalidateQueries({ queryKey: ['hook', id] });
    void queries.invalidateQueries({ queryKey: ['hooks'] });
  };
  const path = { params: { path: { hook_id: id } } };
  const hook = useQuery({
    queryKey: ['hook', id],
    queryFn: ({ signal }) => said(api.GET('/v1/hooks/{hook_id}', { ...path, signal })),
    refetchInterval: 5000,
  });
  const test = useMutation({
    mutationFn: () => said(api.POST('/v1/hooks/{hook_id}/test', { ...path, body: {} })),
    onSuccess: (made) =>
      notifications.show({
        message: made.ok
          ? `It answered ${made.status} after ${Math.round(made.latency_ms)} ms`
          : (made.error ?? `It answered ${made.status}`),
        color: made.ok ? 'petrol' : 'red',
      }),
  });
  const turn = useMutation({
    mutationFn: (state: 'active' | 'disabled') =>
      said(api.PATCH('/v1/hooks/{hook_id}', { ...path, body: { state } })),
    onSuccess: refresh,
  });
  const again = useMutation({
    mutationFn: () =>
      said(api.POST('/v1/hooks/{hook_id}/redeliver', { ...path, body: { states: ['failed', 'abandoned'] } })),
    onSuccess: (done) => {
      notifications.show({
        message: `${many(done.count, 'delivery', 'deliveries')} will be sent again`,
        color: 'petrol',
      });
      refresh();
    },
  });
  if (hook.error)
    return (
      <Trouble error={hook.error} retry={() => void hook.refetch()} title="The hook could not be read" />
    );
  if (!hook.data) return <div className="dim pad">Loading…</div>;
  const { data } = hook;
  return (
    <div className="page">
      <nav aria-label="Where" className="crumbs">
        <Link to="/hooks">Hooks</Link> <span aria-hidden>/</span> <span className="mono">{id}</span>
      </nav>
      <Stack gap="sm" className="panel pad">
        <h1 className="wrap">{data.name ?? data.url}</h1>
        <Group gap="xs">
          <span className={`chip chip-${data.state === 'active' ? 'green' : 'gray'}`}>{data.state}</span>
          {data.circuit.state === 'open' && <span className="chip chip-red">circuit open</span>}
          <Id id={data.url} what="address" long />
          <Curl command={curl('GET', `/v1/hooks/${inPath(id)}`)} />
        </Group>
        {(data.reason || data.circuit.last_error) && (
          <div className="explain" data-state="failed">
            {data.reason ?? data.circuit.last_error}
            {data.circuit.next_try_at && (
              <>
                {' '}
                Tries again <Ago at={data.circuit.next_try_at} />.
              </>
            )}
          </div>
        )}
        {isAdmin && (
          <Group gap={6}>
            <Button
              size="compact-sm"
              variant="default"
              loading={test.isPending}
              onClick={() => test.mutate()}
            >
              Send a test
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              loading={turn.isPending}
              onClick={() => turn.mutate(data.state === 'active' ? 'disabled' : 'active')}
            >
              {data.state === 'active' ? 'Disable' : 'Enable'}
            </Button>
          </Group>
        )}
        <Again
          failed={(data.deliveries['failed'] ?? 0) + (data.deliveries['abandoned'] ?? 0)}
          act={() => again.mutate()}
        />
        {[test.error, turn.error, again.error].map(
          (error) => error && <Trouble key={error.message} error={error} />,
        )}
        <JsonView value={fromPlain(data.filter)} label="Which events" />
      </Stack>
      <Deliveries id={id} />
    </div>
  );
}

function Again({ failed, act }: { failed: number; act: () => void }) {
  if (failed === 0) return null;
  return (
    <Group gap={6}>
      <Button size="compact-sm" variant="default" onClick={act}>
        Send the {count(failed)} failed again
      </Button>
    </Group>
  );
}

function Deliveries({ id }: { id: string }) {
  const queries = useQueryClient();
  const [open, setOpen] = useState<number | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['hook', id, 'deliveries'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/hooks/{hook_id}/deliveries', {
          params: {
            path: { hook_id: id },
            query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 5000,
  });
  const again = useMutation({
    mutationFn: (delivery: number) =>
      said(
        api.POST('/v1/hooks/{hook_id}/deliveries/{delivery_id}/redeliver', {
          params: { path: { hook_id: id, delivery_id: delivery as never } },
          body: {},
        }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['hook', id] }),
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel scroll" tabIndex={0} aria-label="Deliveries">
      {list.error && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {again.error && <Trouble error={again.error} />}
      <table className="table">
        <thead>
          <tr>
            <th>Delivery</th>
            <th>State</th>
            <th>About</th>
            <th className="right">Tries</th>
            <th>Last answer</th>
            <th>When</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {items.map((delivery) => {
            const last = delivery.tries.at(-1);
            return (
              <tr key={delivery.id}>
                <td>
                  <button
                    type="button"
                    className="textual"
                    onClick={() => setOpen(open === delivery.id ? null : delivery.id)}
                  >
                    {delivery.type}
                  </button>
                  {open === delivery.id && (
                    <JsonView
                      value={fromPlain({ event: delivery.event, tries: delivery.tries })}
                      label={`Delivery ${delivery.id}`}
                    />
                  )}
                </td>
                <td>
                  <span className={`chip chip-${COLORS[delivery.state] ?? 'gray'}`}>{delivery.state}</span>
                </td>
                <td className="mono">
                  <Link to={taskPath(delivery.subject)}>{delivery.subject}</Link>
                </td>
                <td className="num right">{delivery.attempts}</td>
                <td className="wrap">
                  {last && (last.error ?? `${last.status} in ${Math.round(last.latency_ms)} ms`)}
                </td>
                <td>
                  <Ago at={delivery.created_at} />
                </td>
                <td className="right">
                  <Button size="compact-sm" variant="default" onClick={() => again.mutate(delivery.id)}>
                    Send again
                  </Button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {list.data && items.length === 0 && <div className="empty dim">Nothing was sent yet.</div>}
      {list.hasNextPage && (
        <Button m="xs" size="compact-sm" variant="default" onClick={() => void list.fetchNextPage()}>
          Older deliveries
        </Button>
      )}
    </section>
  );
}
