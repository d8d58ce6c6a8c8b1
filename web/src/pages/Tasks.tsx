import { useCounts } from '../api/queries';
import { curl } from '../lib/curl';
import { isFiltered, without, writeSearch } from '../lib/filter';
import { count, STATES } from '../lib/words';
import { Command } from '../parts/Copyable';
import { Link } from '../parts/Link';
import { useSearchWords } from '../parts/nav';
import { LOOKS } from '../parts/status';
import { TaskListView } from '../parts/TaskListView';

const FIRST = { kind: 'train', name: 'my first task', queue: 'gpu', params: { epochs: 3 } };

export default function Tasks() {
  const search = useSearchWords();
  const counts = useCounts('state');
  const states = search['state'] ?? [];
  // Counters know states; with other words in the filter only the list itself knows.
  const simple = !isFiltered(without({ ...search, state: ['x'] }, 'state', 'x'));
  const wanted = states.length > 0 ? states : STATES;
  const total =
    simple && counts.data ? wanted.reduce((sum, state) => sum + (counts.data.counts[state] ?? 0), 0) : null;
  return (
    <TaskListView
      heading="Tasks"
      archived="false"
      verbs={['retry', 'archive', 'cancel']}
      total={total}
      reserve={230}
      above={
        <nav className="panel tiles" aria-label="By state">
          {STATES.map((state) => {
            const on = states.includes(state);
            const next = on ? states.filter((s) => s !== state) : [state];
            return (
              <Link
                key={state}
                to={`/tasks${writeSearch({ ...search, state: next, task: undefined })}`}
                aria-current={on}
              >
                <b>{count(counts.data?.counts[state] ?? 0)}</b>
                <span>{LOOKS[state].label}</span>
              </Link>
            );
          })}
        </nav>
      }
      empty={
        <>
          <h2>No tasks yet</h2>
          <p className="dim">
            A task is one unit of work that runs elsewhere. Make one, or let a worker, a dialect or a report
            about an unknown task make it:
          </p>
          <Command>{curl('POST', '/v1/tasks', FIRST)}</Command>
        </>
      }
    />
  );
}
