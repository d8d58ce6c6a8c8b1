import { Group, SegmentedControl, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, type Queue, said, type TaskQuery, type TaskSummary } from '../api/client';
import { useCounts } from '../api/queries';
import { useLive } from '../api/useLive';
import { curl } from '../lib/curl';
import { stamp, useZone } from '../lib/time';
import { count, many, STATES } from '../lib/words';
import { Command } from '../parts/Copyable';
import { title } from '../parts/columns';
import { Link } from '../parts/Link';
import { taskPath } from '../parts/nav';
import { Plot } from '../parts/Plot';
import { LOOKS } from '../parts/status';
import { Ago, Took } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

const DAY_MS = 86_400_000;
const SAMPLE = 100;

function useList(name: string, query: TaskQuery) {
  const queries = useQueryClient();
  const queryKey = ['overview', name];
  useLive(
    (batch) => batch.events.some((event) => event.task_id !== null),
    () => void queries.invalidateQueries({ queryKey }),
    3000,
  );
  return useQuery({
    queryKey,
    queryFn: ({ signal }) => said(api.GET('/v1/tasks', { params: { query }, signal })),
  });
}

/** What runs, what needs a person, and how it has been going. */
export default function Overview() {
  const counts = useCounts('state');
  const total = counts.data?.total ?? 0;
  if (counts.error) return <Trouble error={counts.error} retry={() => void counts.refetch()} />;
  return (
    <Stack gap={10} className="page">
      <h1>Overview</h1>
      <nav className="panel tiles" aria-label="Tasks by state">
        {STATES.map((state) => (
          <Link key={state} to={`/tasks?state=${state}`}>
            <b>{count(counts.data?.counts[state] ?? 0)}</b>
            <span>{LOOKS[state].label}</span>
          </Link>
        ))}
      </nav>
      {counts.data && total === 0 ? (
        <div className="panel empty">
          <h2>Nothing is here yet</h2>
          <p className="dim">Make a first task, then open Tasks and watch it:</p>
          <Command>
            {curl('POST', '/v1/tasks', { kind: 'train', name: 'my first task', queue: 'gpu' })}
          </Command>
          <p className="dim">And let it be said how it goes:</p>
          <Command>
            {curl('POST', '/v1/reports', { task_id: 'my-run', state: 'running', progress: 40 })}
          </Command>
        </div>
      ) : (
        <>
          <div className="columns">
            <Failures />
            <Silent />
            <Waiting />
            <Queues />
          </div>
          <Through />
        </>
      )}
    </Stack>
  );
}

const SPANS = [
  { value: '3600', label: '1 h' },
  { value: '21600', label: '6 h' },
  { value: '86400', label: '24 h' },
  { value: '604800', label: '7 d' },
];

function Through() {
  const [seconds, setSeconds] = useState('21600');
  const queries = useQueryClient();
  const zone = useZone();
  const queryKey = ['pace', seconds];
  useLive(
    (batch) => batch.events.some((event) => event.state !== null),
    () => void queries.invalidateQueries({ queryKey }),
    5000,
  );
  const pace = useQuery({
    queryKey,
    queryFn: ({ signal }) =>
      said(api.GET('/v1/pace', { params: { query: { seconds: Number(seconds), steps: 60 } }, signal })),
    refetchInterval: 60_000,
    placeholderData: (before) => before,
  });
  const data = pace.data;
  const labels = useMemo(() => {
    if (!data) return [];
    const since = Date.parse(data.since);
    const long = data.step_seconds * data.created.length > 100_000;
    return data.created.map((_, i) => {
      const at = since + i * data.step_seconds * 1000;
      return long ? stamp(at, zone).slice(5, 16) : stamp(at, zone, true).slice(0, 5);
    });
  }, [data, zone]);
  return (
    <section className="panel pad" aria-label="Throughput">
      <Group justify="space-between" mb={6}>
        <h2>
          Throughput{' '}
          {data && (
            <span className="dim small">tasks per {per(data.step_seconds)}, archived ones not counted</span>
          )}
        </h2>
        <SegmentedControl
          size="xs"
          value={seconds}
          onChange={setSeconds}
          data={SPANS}
          aria-label="How far back"
        />
      </Group>
      {pace.error && <Trouble error={pace.error} retry={() => void pace.refetch()} />}
      <div className="chart">
        {data && (
          <Plot
            title=""
            whole
            labels={labels}
            lines={[
              { name: 'created', color: '#868e96', values: data.created },
              { name: 'succeeded', color: '#2f9e44', values: data.succeeded },
              { name: 'failed', color: '#e03131', values: data.failed },
            ]}
          />
        )}
      </div>
      {data && data.complete_since > data.since && (
        <div className="dim small">
          More ended than is looked at: before <Ago at={data.complete_since} /> numbers are too small.
        </div>
      )}
    </section>
  );
}

function per(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** What failed lately, by what it said; the same fault with other numbers is the same fault. */
function Failures() {
  const after = useMemo(() => new Date(Date.now() - DAY_MS).toISOString(), []);
  const failed = useList('failed', {
    state: ['failed'],
    order: 'completed',
    direction: 'desc',
    completed_after: after,
    limit: SAMPLE,
  });
  const groups = useMemo(() => byFault(failed.data?.items ?? []), [failed.data]);
  const more = failed.data?.next_cursor != null;
  return (
    <Card
      heading="Failed, last 24 h"
      note={failed.data && (more ? `of the last ${SAMPLE}` : many(failed.data.items.length, 'task'))}
      to="/tasks?state=failed&completed=24h&sort=-completed"
      error={failed.error}
      empty={groups.length === 0 && failed.data ? 'Nothing failed.' : null}
    >
      {groups.slice(0, 6).map((group) => (
        <li key={group.fault}>
          <span className="num strong">{group.tasks.length}</span>
          <span>
            <Link to={taskPath(group.tasks[0]?.id ?? '')} className="error-text wrap">
              {group.fault}
            </Link>
            <span className="dim small block">
              {group.kinds.join(', ')}, last <Ago at={group.tasks[0]?.completed_at} />
            </span>
          </span>
        </li>
      ))}
    </Card>
  );
}

interface Fault {
  fault: string;
  tasks: TaskSummary[];
  kinds: string[];
}

function byFault(tasks: TaskSummary[]): Fault[] {
  const groups = new Map<string, Fault>();
  for (const task of tasks) {
    const said = task.error?.message ?? task.error?.category ?? task.reason ?? 'no reason given';
    const key = said.replace(/\d+(\.\d+)?/g, '#').slice(0, 200);
    const group = groups.get(key) ?? { fault: said, tasks: [], kinds: [] };
    group.tasks.push(task);
    const kind = task.kind || task.queue;
    if (!group.kinds.includes(kind)) group.kinds.push(kind);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.tasks.length - a.tasks.length);
}

/** Running, and not heard of for the longest time. */
function Silent() {
  const running = useList('silent', { state: ['running'], order: 'updated', direction: 'asc', limit: 6 });
  return (
    <Card
      heading="Running, silent for longest"
      to="/tasks?state=running&sort=updated"
      error={running.error}
      empty={running.data?.items.length === 0 ? 'Nothing runs.' : null}
    >
      {running.data?.items.map((task) => (
        <li key={task.id}>
          <span className="num strong">
            <Ago at={task.updated_at} always="relative" />
          </span>
          <Row task={task} />
        </li>
      ))}
    </Card>
  );
}

function Waiting() {
  const queued = useList('waiting', { state: ['queued'], order: 'created', direction: 'asc', limit: 6 });
  return (
    <Card
      heading="Queued for longest"
      to="/tasks?state=queued&sort=created"
      error={queued.error}
      empty={queued.data?.items.length === 0 ? 'Nothing waits for a worker.' : null}
    >
      {queued.data?.items.map((task) => (
        <li key={task.id}>
          <span className="num strong">
            <Ago at={task.queued_at ?? task.created_at} always="relative" />
          </span>
          <Row task={task} />
        </li>
      ))}
    </Card>
  );
}

/** The queues in which somebody waits longest. */
function Queues() {
  const queries = useQueryClient();
  const queryKey = ['overview', 'queues'];
  useLive(
    (batch) => batch.events.some((event) => event.state !== null),
    () => void queries.invalidateQueries({ queryKey }),
    5000,
  );
  const queues = useQuery({
    queryKey,
    queryFn: ({ signal }) => said(api.GET('/v1/queues', { params: { query: { limit: 200 } }, signal })),
    refetchInterval: 30_000,
  });
  const rows = [...(queues.data?.items ?? [])].sort(compare);
  return (
    <Card
      heading="Queues"
      to="/queues"
      error={queues.error}
      empty={rows.length === 0 && queues.data ? 'There is no queue yet.' : null}
    >
      {rows.slice(0, 6).map((queue) => (
        <li key={queue.name}>
          <span className="num strong" title="How long the oldest has waited">
            <Took from={queue.oldest_queued_at} to={null} running />
          </span>
          <span>
            <Link to={`/tasks?queue=${encodeURIComponent(queue.name)}`}>{queue.name}</Link>
            {queue.state !== 'active' && <span className="chip chip-orange near">{queue.state}</span>}
            <span className="dim small block">
              {count(queue.tasks['queued'] ?? 0)} queued, {count(queue.tasks['running'] ?? 0)} running
              {queue.comment && `, ${queue.comment}`}
            </span>
          </span>
        </li>
      ))}
    </Card>
  );
}

/** Who waits longest first; where nobody waits, most open tasks first. */
function compare(a: Queue, b: Queue): number {
  if (a.oldest_queued_at && b.oldest_queued_at) return a.oldest_queued_at < b.oldest_queued_at ? -1 : 1;
  if (a.oldest_queued_at || b.oldest_queued_at) return a.oldest_queued_at ? -1 : 1;
  return open(b) - open(a);
}

function open({ tasks }: Queue): number {
  return (tasks['queued'] ?? 0) + (tasks['running'] ?? 0);
}

function Row({ task }: { task: TaskSummary }) {
  return (
    <span>
      <Link to={taskPath(task.id)}>{title(task)}</Link>
      <span className="dim small block">
        {task.queue}
        {task.progress.percent > 0 && `, ${Math.floor(task.progress.percent)}%`}
        {task.progress.message && `, ${task.progress.message}`}
      </span>
    </span>
  );
}

function Card(props: {
  heading: string;
  note?: React.ReactNode;
  to?: string;
  error: Error | null;
  empty: string | null;
  children: React.ReactNode;
}) {
  return (
    <section className="panel pad card" aria-label={props.heading}>
      <header>
        <h2>{props.heading}</h2>
        {props.note && <span className="dim small">{props.note}</span>}
        {props.to && <Link to={props.to}>all</Link>}
      </header>
      {props.error && <Trouble error={props.error} />}
      {props.empty ? <p className="dim small">{props.empty}</p> : <ul>{props.children}</ul>}
    </section>
  );
}
