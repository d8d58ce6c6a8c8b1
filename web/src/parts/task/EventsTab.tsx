import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Task, TaskEvent } from '../../api/client';
import { useEvents } from '../../api/taskQueries';
import { fromPlain } from '../../lib/json';
import { span, stamp, useZone } from '../../lib/time';
import { JsonView } from '../JsonView';
import { Status } from '../status';
import { Trouble } from '../Trouble';

/** What verdicts mean, for whoever meets one. */
const VERDICTS: Record<string, string> = {
  applied: 'it changed the task',
  duplicate: 'the same was said before',
  stale: 'older than what was known',
  conflict: 'it said otherwise than a stronger word',
  late: 'it came when the attempt was over, and was kept',
  unknown_task: 'nobody knew the task',
};

/** Everything that was said and done, the newest first. */
export function EventsTab({ task }: { task: Task }) {
  const events = useEvents(task.id);
  const [only, setOnly] = useState('');
  const all = events.data?.pages.flatMap((page) => page.items) ?? [];
  const types = [...new Set(all.map((event) => event.type))].sort();
  const shown = only ? all.filter((event) => event.type === only) : all;
  if (events.error) return <Trouble error={events.error} retry={() => void events.refetch()} />;
  return (
    <div className="events">
      {types.length > 1 && (
        <label className="small dim">
          Show{' '}
          <select value={only} onChange={(event) => setOnly(event.currentTarget.value)}>
            <option value="">all types</option>
            {types.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        </label>
      )}
      <div className="scroll" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th>When</th>
              <th>What</th>
              <th>Said by</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((event) => (
              <Event key={event.id} event={event} since={task.created_at} />
            ))}
          </tbody>
        </table>
      </div>
      {events.hasNextPage && (
        <Button
          size="compact-sm"
          variant="subtle"
          loading={events.isFetchingNextPage}
          onClick={() => void events.fetchNextPage()}
        >
          Older events
        </Button>
      )}
    </div>
  );
}

function Event({ event, since }: { event: TaskEvent; since: string }) {
  const zone = useZone();
  const at = Date.parse(event.at);
  const report = event.report;
  const progress = report?.['progress'];
  const percent =
    typeof progress === 'number' ? progress : (progress as { percent?: number } | null | undefined)?.percent;
  const rest = { ...(report ? { report } : {}), ...(event.data ? { data: event.data } : {}) };
  return (
    <tr>
      <td className="nowrap num">
        <time dateTime={event.at} title={stamp(at, zone)}>
          {stamp(at, zone, true)}
        </time>
        <div className="dim small">+{span(at - Date.parse(since))}</div>
      </td>
      <td>
        <span className="event-line">
          <b>{event.type.replace(/^task\./, '').replaceAll('_', ' ')}</b>
          {event.state?.to && event.state.to !== event.state.from && <Status state={event.state.to} />}
          {percent !== undefined && percent !== null && <span className="num">{percent}%</span>}
          {event.verdict && event.verdict !== 'applied' && (
            <span className="verdict" data-verdict={event.verdict} title={VERDICTS[event.verdict]}>
              {event.verdict}
            </span>
          )}
          {event.reason && <span className="dim">{event.reason}</span>}
        </span>
        {Object.keys(rest).length > 0 && (
          <details>
            <summary className="dim small">#{event.id} in full</summary>
            <JsonView value={fromPlain(rest)} label={`Event ${event.id}`} />
          </details>
        )}
      </td>
      <td>
        {event.source ?? event.actor ?? <span className="dim">server</span>}
        {event.attempt !== null && event.attempt > 1 && (
          <div className="dim small">attempt {event.attempt}</div>
        )}
      </td>
    </tr>
  );
}
