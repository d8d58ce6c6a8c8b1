import { useState } from 'react';
import type { Attempt } from '../../api/client';
import { useAttempts, useResults } from '../../api/taskQueries';
import { differences, fromPlain } from '../../lib/json';
import { Gantt } from '../Gantt';
import { Status } from '../status';
import { Ago, Took } from '../Times';
import { Trouble } from '../Trouble';

/** Every try: when it waited and ran, how it ended, and how two of them differ. */
export function AttemptsTab({ id }: { id: string }) {
  const attempts = useAttempts(id);
  const items = attempts.data?.items ?? [];
  if (attempts.error) return <Trouble error={attempts.error} retry={() => void attempts.refetch()} />;
  return (
    <>
      <Gantt
        label="Attempts over time"
        rows={items.map((attempt) => ({
          id: String(attempt.number),
          name: `attempt ${attempt.number}`,
          state: attempt.state,
          queued: attempt.queued_at,
          started: attempt.started_at,
          ended: attempt.completed_at,
        }))}
      />
      <div className="scroll" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th>Attempt</th>
              <th>State</th>
              <th>Waited</th>
              <th>Took</th>
              <th>Ended</th>
              <th>Reached</th>
              <th>Error or reason</th>
            </tr>
          </thead>
          <tbody>
            {items.toReversed().map((attempt) => (
              <tr key={attempt.number}>
                <td className="num">
                  {attempt.number}
                  {attempt.current && <span className="dim small"> present</span>}
                </td>
                <td>
                  <Status state={attempt.state} reason={attempt.reason} />
                </td>
                <td>
                  <Took
                    from={attempt.queued_at}
                    to={attempt.started_at}
                    running={attempt.state === 'queued'}
                  />
                </td>
                <td>
                  <Took
                    from={attempt.started_at}
                    to={attempt.completed_at}
                    running={attempt.state === 'running'}
                  />
                </td>
                <td>
                  <Ago at={attempt.completed_at} />
                </td>
                <td className="num">{Math.floor(attempt.progress.percent)}%</td>
                <td className="wrap">
                  {attempt.error ? (
                    <span className="error-text">{attempt.error.message ?? attempt.error.category}</span>
                  ) : (
                    attempt.reason
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {items.length > 1 && <Compare id={id} attempts={items} />}
    </>
  );
}

function Compare({ id, attempts }: { id: string; attempts: Attempt[] }) {
  const last = attempts.length - 1;
  const [one, setOne] = useState(attempts[last - 1]?.number ?? 1);
  const [two, setTwo] = useState(attempts[last]?.number ?? 2);
  const results = useResults(id);
  const all = results.data?.pages.flatMap((page) => page.items) ?? [];
  function whole(number: number) {
    const attempt = attempts.find((a) => a.number === number);
    const { number: _n, current: _c, ...rest } = attempt ?? {};
    const own = all
      .filter((r) => r.attempt === number)
      .map((r) => [r.name, { data: r.data, files: r.files }]);
    return fromPlain({ ...rest, results: Object.fromEntries(own) });
  }
  const rows = differences(whole(one), whole(two));
  const choice = (value: number, set: (n: number) => void, label: string) => (
    <select aria-label={label} value={value} onChange={(event) => set(Number(event.currentTarget.value))}>
      {attempts.map((a) => (
        <option key={a.number} value={a.number}>
          attempt {a.number}
        </option>
      ))}
    </select>
  );
  return (
    <section className="compare" aria-label="Compare two attempts">
      <h3>
        Compare {choice(one, setOne, 'First attempt')} with {choice(two, setTwo, 'Second attempt')}
      </h3>
      <div className="scroll" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th>{rows.length} differ</th>
              <th>attempt {one}</th>
              <th>attempt {two}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, 200).map((row) => (
              <tr key={row.path}>
                <th scope="row" className="mono">
                  {row.path}
                </th>
                <td className={`mono wrap ${row.before === null ? '' : 'before'}`}>{row.before ?? '–'}</td>
                <td className={`mono wrap ${row.after === null ? '' : 'after'}`}>{row.after ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
