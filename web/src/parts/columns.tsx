import type { ReactNode } from 'react';
import type { TaskSummary } from '../api/client';
import { FINAL } from '../lib/words';
import { Link } from './Link';
import { jobPath, taskPath } from './nav';
import { Status } from './status';
import { Ago, Took } from './Times';

export interface Column {
  id: string;
  label: string;
  width: number;
  grows?: boolean;
  /** The order of the list that this column shows. */
  sort?: 'created' | 'updated' | 'completed';
  cell: (task: TaskSummary) => ReactNode;
}

export function title(task: Pick<TaskSummary, 'name' | 'kind' | 'id'>): string {
  return task.name || task.kind || task.id;
}

function dash(text: string | null): ReactNode {
  return text || <span className="dim">–</span>;
}

export function Meter({ task }: { task: TaskSummary }) {
  const percent = task.state === 'succeeded' ? 100 : task.progress.percent;
  if (percent === 0 && task.state !== 'running') return <span className="dim">–</span>;
  return (
    <div className="meter" title={task.progress.message ?? undefined}>
      <div
        role="progressbar"
        aria-label={`Progress of ${title(task)}`}
        aria-valuenow={Math.round(percent)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i data-state={task.state} style={{ width: `${percent}%` }} />
      </div>
      <span className="num">{Math.floor(percent)}%</span>
    </div>
  );
}

function Note({ task }: { task: TaskSummary }) {
  if (task.error) {
    return <span className="error-text">{task.error.message ?? task.error.category ?? 'failed'}</span>;
  }
  if (task.reason) return <span className="dim">{task.reason}</span>;
  if (task.progress.message && !FINAL.has(task.state)) {
    return <span className="dim">{task.progress.message}</span>;
  }
  return <Labels of={task.labels} />;
}

export function Labels({ of }: { of: Record<string, string> }) {
  return Object.entries(of).map(([name, value]) => (
    <span className="label" key={name}>
      {name}={value}
    </span>
  ));
}

export const COLUMNS: readonly Column[] = [
  { id: 'state', label: 'State', width: 126, cell: (t) => <Status state={t.state} reason={t.reason} /> },
  {
    id: 'task',
    label: 'Task',
    width: 230,
    grows: true,
    cell: (t) => (
      <div className="two">
        <Link to={taskPath(t.id)} tabIndex={-1}>
          {title(t)}
        </Link>
        <span className="mono">{t.id}</span>
      </div>
    ),
  },
  { id: 'progress', label: 'Progress', width: 130, cell: (t) => <Meter task={t} /> },
  { id: 'kind', label: 'Kind', width: 130, cell: (t) => dash(t.kind) },
  {
    id: 'queue',
    label: 'Queue / worker',
    width: 140,
    cell: (t) => (
      <div className="two">
        <span>{t.queue}</span>
        {t.lease && <span className="mono">{t.lease.worker}</span>}
      </div>
    ),
  },
  {
    id: 'attempt',
    label: 'Attempt',
    width: 72,
    cell: (t) => (
      <span className="num">
        {t.attempt}
        {t.attempts_max > 1 && <span className="dim">/{t.attempts_max}</span>}
      </span>
    ),
  },
  {
    id: 'duration',
    label: 'Took',
    width: 86,
    cell: (t) => <Took from={t.started_at} to={t.completed_at} running={t.state === 'running'} />,
  },
  {
    id: 'wait',
    label: 'Waited',
    width: 86,
    cell: (t) => <Took from={t.queued_at} to={t.started_at} running={t.state === 'queued'} />,
  },
  { id: 'created', label: 'Created', width: 96, sort: 'created', cell: (t) => <Ago at={t.created_at} /> },
  { id: 'updated', label: 'Updated', width: 96, sort: 'updated', cell: (t) => <Ago at={t.updated_at} /> },
  { id: 'completed', label: 'Ended', width: 96, sort: 'completed', cell: (t) => <Ago at={t.completed_at} /> },
  { id: 'note', label: 'Error, reason or labels', width: 240, grows: true, cell: (t) => <Note task={t} /> },
  { id: 'labels', label: 'Labels', width: 200, cell: (t) => <Labels of={t.labels} /> },
  {
    id: 'job',
    label: 'Job',
    width: 150,
    cell: (t) =>
      t.job_id ? (
        <Link className="mono" to={jobPath(t.job_id)} tabIndex={-1}>
          {t.job_id}
        </Link>
      ) : (
        dash(null)
      ),
  },
  { id: 'priority', label: 'Priority', width: 72, cell: (t) => <span className="num">{t.priority}</span> },
  { id: 'creator', label: 'Made by', width: 110, cell: (t) => dash(t.creator) },
  {
    id: 'ref',
    label: 'Outside id',
    width: 150,
    cell: (t) => <span className="mono">{dash(t.external_ref)}</span>,
  },
];

export function columnsOf(ids: readonly string[]): Column[] {
  const found = ids.map((id) => COLUMNS.find((column) => column.id === id)).filter((c) => c !== undefined);
  return found.length > 0 ? found : COLUMNS.slice(0, 3);
}

/** How long a row's absolute time is; columns of times widen for it. */
export function widthOf(column: Column, absolute: boolean): number {
  return column.sort && absolute ? 158 : column.width;
}
