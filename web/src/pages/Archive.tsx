import { useCounts } from '../api/queries';
import { isFiltered } from '../lib/filter';
import { useSearchWords } from '../parts/nav';
import { TaskListView } from '../parts/TaskListView';

export default function Archive() {
  const search = useSearchWords();
  const counts = useCounts('state', 'true');
  return (
    <TaskListView
      heading="Archive"
      archived="true"
      verbs={['restore', 'delete']}
      total={isFiltered(search) ? null : (counts.data?.total ?? null)}
      reserve={172}
      empty={
        <>
          <h2>The archive is empty</h2>
          <p className="dim">
            Ended tasks come here when somebody archives them: from the list of tasks, select some and choose
            Archive. They leave the counts, and can be restored.
          </p>
        </>
      }
    />
  );
}
