import { span, stamp, useNow, useZone, type When } from '../lib/time';
import { Link } from './Link';

export interface GanttRow {
  id: string;
  name: string;
  to?: string;
  state: string;
  queued: When;
  started: When;
  ended: When;
}

/** Waiting and running over time: hatched is waiting, filled is running. */
export function Gantt({ rows, label }: { rows: readonly GanttRow[]; label: string }) {
  const now = useNow();
  const zone = useZone();
  const timed = rows.filter((row) => row.queued || row.started);
  if (timed.length === 0) return null;
  const from = Math.min(
    ...timed.flatMap((row) =>
      [row.queued, row.started].map((at) => (at ? Date.parse(at) : Number.POSITIVE_INFINITY)),
    ),
  );
  const open = timed.some((row) => !row.ended);
  const to = Math.max(
    from + 1000,
    ...timed.map((row) => (row.ended ? Date.parse(row.ended) : 0)),
    open ? now : 0,
  );
  const place = (at: number) => `${Math.max(0, Math.min(100, ((at - from) / (to - from)) * 100))}%`;
  const width = (a: number, b: number) => `${Math.max(0, ((b - a) / (to - from)) * 100)}%`;
  const day = to - from > 86_400_000;
  return (
    <section className="gantt" aria-label={label}>
      <div className="gantt-row gantt-axis" aria-hidden="true">
        <div className="dim small">{span(to - from)}</div>
        <div className="gantt-track">
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span key={part} style={{ left: `${part * 100}%` }} className="num">
              {day
                ? stamp(from + (to - from) * part, zone).slice(5, 16)
                : stamp(from + (to - from) * part, zone, true)}
            </span>
          ))}
        </div>
      </div>
      {timed.map((row) => {
        const queued = row.queued ? Date.parse(row.queued) : null;
        const started = row.started ? Date.parse(row.started) : null;
        const ended = row.ended ? Date.parse(row.ended) : to;
        const words = [
          queued !== null && `waited ${span((started ?? ended) - queued)}`,
          started !== null && `ran ${span(ended - started)}`,
          row.state,
        ].filter(Boolean);
        return (
          <div className="gantt-row" key={row.id} title={words.join(', ')}>
            <div className="gantt-name">
              {row.to ? <Link to={row.to}>{row.name}</Link> : row.name}
              <span className="offscreen">{words.join(', ')}</span>
            </div>
            <div className="gantt-track" aria-hidden="true">
              {queued !== null && (
                <i data-kind="wait" style={{ left: place(queued), width: width(queued, started ?? ended) }} />
              )}
              {started !== null && (
                <i data-state={row.state} style={{ left: place(started), width: width(started, ended) }} />
              )}
            </div>
          </div>
        );
      })}
    </section>
  );
}
