import { Stack } from '@mantine/core';
import { useMemo } from 'react';
import type { Task } from '../../api/client';
import { useGraph } from '../../api/taskQueries';
import { Link } from '../Link';
import { jobPath } from '../nav';
import { type GraphNode, TaskGraph } from '../TaskGraph';
import { Trouble } from '../Trouble';

/** What it waits for, and what waits for it. */
export function RelationsTab({ task }: { task: Task }) {
  const graph = useGraph(task.id);
  const nodes = useMemo<GraphNode[]>(
    () =>
      (graph.data?.nodes ?? []).map((node) => ({
        id: node.id,
        label: node.name || node.kind || node.id,
        kind: node.kind,
        state: node.state,
        inputs: (graph.data?.edges ?? []).filter((edge) => edge.to === node.id).map((edge) => edge.from),
      })),
    [graph.data],
  );
  if (graph.error) return <Trouble error={graph.error} retry={() => void graph.refetch()} />;
  return (
    <Stack gap="xs">
      {task.job_id && (
        <div className="small">
          Part of the job{' '}
          <Link to={jobPath(task.job_id)} className="mono">
            {task.job_id}
          </Link>
        </div>
      )}
      {nodes.length > 1 ? (
        <TaskGraph nodes={nodes} here={task.id} label="Inputs and dependents" />
      ) : (
        <div className="dim">It waits for no other task, and none waits for it.</div>
      )}
      {graph.data?.truncated && <div className="dim small">There are more, further away.</div>}
    </Stack>
  );
}
