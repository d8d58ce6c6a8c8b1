import { Button, Group, Menu, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, said } from '../api/client';
import { useMay } from '../api/session';
import { useLive } from '../api/useLive';
import { curl } from '../lib/curl';
import { count, inPath } from '../lib/words';
import { Command, Curl } from '../parts/Copyable';
import { Labels } from '../parts/columns';
import { Link } from '../parts/Link';
import { Ago, Took } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

type Flow = 'active' | 'paused' | 'draining';
const FLOWS: Record<Flow, { verb: string; color: string; does: string }> = {
  active: { verb: 'Go on', color: 'green', does: 'Tasks are handed out again.' },
  paused: { verb: 'Pause', color: 'orange', does: 'Nothing is handed out any more; what is held goes on.' },
  draining: { verb: 'Drain', color: 'orange', does: 'What is held is finished, nothing new is taken.' },
};
/** So often at most is asked how queues and workers stand; signs of life are no events. */
const LOOK_MS = 5_000;

interface Asked {
  what: 'queue' | 'worker';
  name: string;
  to: Flow;
}

/** Queues and who works on them: how deep, who is alive, and the levers. */
export default function Queues() {
  const queries = useQueryClient();
  const mayAct = useMay('operator');
  const [asked, setAsked] = useState<Asked | null>(null);
  useLive(
    (batch) => batch.events.some((event) => event.state !== null),
    () => void queries.invalidateQueries({ queryKey: ['queues'] }),
    2000,
  );
  const queues = useQuery({
    queryKey: ['queues'],
    queryFn: ({ signal }) => said(api.GET('/v1/queues', { params: { query: { limit: 200 } }, signal })),
    refetchInterval: 3 * LOOK_MS,
  });
  const workers = useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => said(api.GET('/v1/workers', { params: { query: { limit: 200 } }, signal })),
    refetchInterval: LOOK_MS,
  });
  return (
    <div className="page">
      <h1>Queues and workers</h1>
      <section className="panel scroll" tabIndex={0} aria-label="Queues">
        {queues.error && <Trouble error={queues.error} retry={() => void queues.refetch()} />}
        <table className="table">
          <thead>
            <tr>
              <th>Queue</th>
              <th>Flow</th>
              <th className="right">Queued</th>
              <th className="right">Oldest waits</th>
              <th className="right">Running</th>
              <th className="right">Held</th>
              <th className="right">At most</th>
              <th className="right">Failed</th>
              <th>Comment</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {queues.data?.items.map((queue) => (
              <tr key={queue.name}>
                <td className="nowrap">
                  <Link to={`/tasks?queue=${encodeURIComponent(queue.name)}`}>{queue.name}</Link>
                </td>
                <td>
                  <Flowing state={queue.state} />
                  {queue.state === 'draining' && queue.drained && <span className="dim small"> empty</span>}
                </td>
                <td className="num right">{count(queue.tasks['queued'] ?? 0)}</td>
                <td className="right nowrap">
                  <Took from={queue.oldest_queued_at} to={null} running />
                </td>
                <td className="num right">{count(queue.tasks['running'] ?? 0)}</td>
                <td className="num right">{count(queue.leases)}</td>
                <td className="num right">{queue.running_max ?? '–'}</td>
                <td className="num right">{count(queue.tasks['failed'] ?? 0)}</td>
                <td className="wrap">
                  {queue.comment}
                  {queue.updated_by && (
                    <span className="dim small block">
                      {queue.updated_by}, <Ago at={queue.updated_at} />
                    </span>
                  )}
                </td>
                <td className="right">
                  {mayAct && <Levers state={queue.state} name={queue.name} what="queue" ask={setAsked} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {queues.data?.items.length === 0 && (
          <div className="empty dim">A queue is there as soon as a task names it.</div>
        )}
      </section>
      <section className="panel scroll" tabIndex={0} aria-label="Workers">
        {workers.error && <Trouble error={workers.error} retry={() => void workers.refetch()} />}
        <table className="table">
          <thead>
            <tr>
              <th>Worker</th>
              <th>Flow</th>
              <th>Last seen</th>
              <th className="right">Holds</th>
              <th>Queues</th>
              <th>Labels</th>
              <th>Began</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {workers.data?.items.map((worker) => (
              <tr key={worker.name}>
                <td className="mono nowrap">{worker.name}</td>
                <td>
                  <Flowing state={worker.state} />
                </td>
                <td>
                  <Ago at={worker.seen_at} always="relative" />
                </td>
                <td className="num right">{count(worker.leases)}</td>
                <td>{worker.queues.join(', ')}</td>
                <td>
                  <Labels of={worker.labels} />
                </td>
                <td>
                  <Ago at={worker.started_at} />
                </td>
                <td className="right">
                  {mayAct && <Levers state={worker.state} name={worker.name} what="worker" ask={setAsked} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {workers.data?.items.length === 0 && (
          <div className="empty">
            <h2>No worker has shown itself</h2>
            <p className="dim">A worker claims tasks of its queues. By hand it goes like this:</p>
            <Command>{curl('POST', '/v1/claims', { worker: 'me', queues: ['default'], max: 1 })}</Command>
          </div>
        )}
      </section>
      {asked && <Steer asked={asked} close={() => setAsked(null)} />}
    </div>
  );
}

function Flowing({ state }: { state: Flow }) {
  const color = FLOWS[state].color;
  return <span className={`chip chip-${color}`}>{state}</span>;
}

function Levers(props: { state: Flow; name: string; what: Asked['what']; ask: (asked: Asked) => void }) {
  const others = (Object.keys(FLOWS) as Flow[]).filter((flow) => flow !== props.state);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-sm" variant="default" aria-label={`Steer ${props.name}`}>
          Steer
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {others.map((to) => (
          <Menu.Item key={to} onClick={() => props.ask({ what: props.what, name: props.name, to })}>
            {FLOWS[to].verb}…
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Steer({ asked, close }: { asked: Asked; close: () => void }) {
  const queries = useQueryClient();
  const [comment, setComment] = useState('');
  const body = { state: asked.to, comment: comment || null };
  const steer = useMutation({
    mutationFn: async (): Promise<unknown> =>
      asked.what === 'queue'
        ? said(api.PATCH('/v1/queues/{queue}', { params: { path: { queue: asked.name } }, body }))
        : said(api.PATCH('/v1/workers/{worker}', { params: { path: { worker: asked.name } }, body })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['queues'] });
      void queries.invalidateQueries({ queryKey: ['workers'] });
      close();
    },
  });
  return (
    <Modal
      opened
      onClose={close}
      title={`${FLOWS[asked.to].verb}: ${asked.name}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          steer.mutate();
        }}
      >
        <Stack gap="sm">
          <div>{FLOWS[asked.to].does}</div>
          <TextInput
            label="Why (others read it)"
            value={comment}
            maxLength={255}
            data-autofocus
            onChange={(event) => setComment(event.currentTarget.value)}
          />
          {steer.error && <Trouble error={steer.error} />}
          <Group justify="space-between">
            <Curl command={curl('PATCH', `/v1/${asked.what}s/${inPath(asked.name)}`, body)} />
            <Group gap="xs">
              <Button variant="default" onClick={close}>
                Leave it
              </Button>
              <Button type="submit" loading={steer.isPending}>
                {FLOWS[asked.to].verb}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
