import { Button, Group, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Delivery, type Hook as HookDetail, said } from '../api/client';
import { useMay } from '../api/session';
import { curl } from '../lib/curl';
import { fromPlain } from '../lib/json';
import { count, inPath, many } from '../lib/words';
import { Curl, Id } from '../parts/Copyable';
import { HookForm, ON } from '../parts/hooks/HookForm';
import { Rotate } from '../parts/hooks/Rotate';
import { JsonView } from '../parts/JsonView';
import { Link } from '../parts/Link';
import { taskPath, useGo } from '../parts/nav';
import { Sure } from '../parts/Sure';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

type Standing = Delivery['state'];
const COLORS: Record<Standing, string> = {
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
  const go = useGo();
  const isAdmin = useMay('admin');
  const [asked, setAsked] = useState<'change' | 'rotate' | 'remove' | null>(null);
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
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/hooks/{hook_id}', path),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['hooks'] });
      go('/hooks', { replace: true });
    },
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
          {data.circuit.state === 'open' && <span className="chip chip-red">endpoint fails</span>}
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
            <Button size="compact-sm" variant="default" onClick={() => setAsked('change')}>
              Change…
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setAsked('rotate')}>
              New secret…
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setAsked('remove')}>
              Remove…
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
        <Facts hook={data} />
      </Stack>
      <Deliveries id={id} />
      {asked === 'change' && <HookForm hook={data} close={() => setAsked(null)} changed={refresh} />}
      {asked === 'rotate' && <Rotate hook={data} close={() => setAsked(null)} changed={refresh} />}
      {asked === 'remove' && (
        <Sure
          title={`Remove ${data.name ?? data.url}`}
          act="Remove the hook"
          type={data.name ?? data.url}
          pending={remove.isPending}
          error={remove.error}
          close={() => setAsked(null)}
          onSure={() => remove.mutate()}
        >
          It is told of nothing any more, and what it was yet to be sent is dropped with its history. To stop
          it for a while, disable it.
        </Sure>
      )}
    </div>
  );
}

function Facts({ hook }: { hook: HookDetail }) {
  const { filter } = hook;
  const narrow = [
    ['Kinds', filter.kinds],
    ['Queues', filter.queues],
    ['Jobs', filter.jobs],
    ['Tasks', filter.tasks],
    ['Types', filter.types],
    ['Labels', Object.entries(filter.labels ?? {}).map(([key, value]) => `${key}=${value}`)],
  ] as const;
  return (
    <dl className="facts">
      <div>
        <dt>Is told of</dt>
        <dd>{ON.find((on) => on.value === (filter.on ?? 'all'))?.label}</dd>
      </div>
      {narrow.map(
        ([name, values]) =>
          (values?.length ?? 0) > 0 && (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="wrap">{values?.join(', ')}</dd>
            </div>
          ),
      )}
      <div>
        <dt>As</dt>
        <dd>{hook.format === 'json' ? 'plain JSON' : 'CloudEvents'}</dd>
      </div>
      {hook.old_secret_until && (
        <div>
          <dt>The old secret signs until</dt>
          <dd>
            <Ago at={hook.old_secret_until} />
          </dd>
        </div>
      )}
      {Object.entries(hook.deliveries)
        .filter(([, number]) => number > 0)
        .map(([state, number]) => (
          <div key={state}>
            <dt>{state}</dt>
            <dd className="num">{count(number)}</dd>
          </div>
        ))}
      <div>
        <dt>Made</dt>
        <dd>
          <Ago at={hook.created_at} />
          {hook.creator && <span className="dim"> by {hook.creator}</span>}
        </dd>
      </div>
    </dl>
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
  const [state, setState] = useState<Standing | ''>('');
  const list = useInfiniteQuery({
    queryKey: ['hook', id, 'deliveries', state],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/hooks/{hook_id}/deliveries', {
          params: {
            path: { hook_id: id },
            query: {
              limit: 50,
              ...(state ? { state: [state] } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
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
      <label className="small dim pad">
        Show{' '}
        <select value={state} onChange={(event) => setState(event.currentTarget.value as Standing | '')}>
          <option value="">all deliveries</option>
          {Object.keys(COLORS).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
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
                  <span className={`chip chip-${COLORS[delivery.state]}`}>{delivery.state}</span>
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
      {list.data && items.length === 0 && (
        <div className="empty dim">{state ? `No delivery is ${state}.` : 'Nothing was sent yet.'}</div>
      )}
      {list.hasNextPage && (
        <Button m="xs" size="compact-sm" variant="default" onClick={() => void list.fetchNextPage()}>
          Older deliveries
        </Button>
      )}
    </section>
  );
}
