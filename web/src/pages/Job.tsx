import { Button, Group, Modal, Stack, Tabs } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Job as JobOut, once, said, type TaskSummary } from '../api/client';
import { useMay } from '../api/session';
import { useLive } from '../api/useLive';
import { curl } from '../lib/curl';
import { fromPlain } from '../lib/json';
import { count, inPath, many } from '../lib/words';
import { VERBS } from '../parts/actions';
import { Curl, Id } from '../parts/Copyable';
import { Labels, Meter, title } from '../parts/columns';
import { Gantt } from '../parts/Gantt';
import { JsonView } from '../parts/JsonView';
import { Link } from '../parts/Link';
import { jobPath, taskPath, useSearchWords, useSetSearch } from '../parts/nav';
import { Status } from '../parts/status';
import { TaskGraph } from '../parts/TaskGraph';
import { Ago, Took } from '../parts/Times';
import { Trouble } from '../parts/Trouble';
import { JobBar } from './Jobs';

/** So many of a job's tasks are drawn; the list of tasks has them all. */
const SHOWN_MAX = 500;
type JobVerb = 'submit' | 'retry' | 'cancel' | 'archive' | 'restore';

export default function Job() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const queries = useQueryClient();
  const search = useSearchWords();
  const setSearch = useSetSearch();
  useLive(
    (batch) => batch.events.some((event) => event.job_id === id),
    () => void queries.invalidateQueries({ queryKey: ['job', id] }),
    1500,
  );
  const job = useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => said(api.GET('/v1/jobs/{job_id}', { params: { path: { job_id: id } }, signal })),
  });
  const tasks = useQuery({
    queryKey: ['job', id, 'tasks'],
    queryFn: ({ signal }) =>
      said(
        api.GET('/v1/jobs/{job_id}/tasks', {
          params: {
            path: { job_id: id },
            query: { limit: SHOWN_MAX, order: 'created', direction: 'asc', archived: 'any' },
          },
          signal,
        }),
      ),
  });
  const inner = useQuery({
    queryKey: ['job', id, 'jobs'],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/jobs', { params: { query: { parent_id: id, limit: 100 } }, signal })),
  });
  if (job.error) {
    return (
      <Trouble error={job.error} retry={() => void job.refetch()} title={`The job ${id} could not be read`} />
    );
  }
  if (!job.data) return <div className="dim pad">Loading…</div>;
  const items = tasks.data?.items ?? [];
  const linked = items.some((task) => task.inputs.length > 0);
  const tab = search['tab']?.[0] ?? (linked || !tasks.data ? 'graph' : 'tasks');
  return (
    <div className="page">
      <nav aria-label="Where" className="crumbs">
        <Link to="/jobs">Jobs</Link> <span aria-hidden>/</span>{' '}
        {job.data.parent_id && (
          <>
            <Link to={jobPath(job.data.parent_id)}>{job.data.parent_id}</Link> <span aria-hidden>/</span>{' '}
          </>
        )}
        <span className="mono">{id}</span>
      </nav>
      <Stack gap="sm" className="panel pad">
        <div>
          <Group gap="xs">
            <Status state={job.data.state} />
            <h1>{job.data.name || id}</h1>
          </Group>
          <Group gap={4}>
            <Id id={id} what="job's id" long />
            <Curl command={curl('GET', `/v1/jobs/${inPath(id)}`)} />
            <span className="small dim">
              created <Ago at={job.data.created_at} />
              {job.data.creator && ` by ${job.data.creator}`}, changed <Ago at={job.data.updated_at} />
            </span>
            <Labels of={job.data.labels} />
          </Group>
        </div>
        <JobActions job={job.data} />
        <JobBar job={job.data} />
        {(inner.data?.items.length ?? 0) > 0 && <Inner jobs={inner.data?.items ?? []} />}
        <Tabs
          value={tab}
          keepMounted={false}
          onChange={(next) => next && setSearch((b) => ({ ...b, tab: [next] }))}
        >
          <Tabs.List>
            <Tabs.Tab value="graph">Graph</Tabs.Tab>
            <Tabs.Tab value="time">Timeline</Tabs.Tab>
            <Tabs.Tab value="tasks">Tasks {count(items.length)}</Tabs.Tab>
            <Tabs.Tab value="data">Metadata</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="graph" pt="sm">
            {items.length > 0 ? (
              <TaskGraph
                label="The tasks and what they wait for"
                nodes={items.map((t) => ({
                  id: t.id,
                  label: title(t),
                  kind: t.kind,
                  state: t.state,
                  inputs: t.inputs,
                }))}
              />
            ) : (
              <div className="dim">No tasks are in this job itself.</div>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="time" pt="sm">
            <Gantt
              label="The tasks over time"
              rows={items.map((t) => ({
                id: t.id,
                name: title(t),
                to: taskPath(t.id),
                state: t.state,
                queued: t.queued_at,
                started: t.started_at,
                ended: t.completed_at,
              }))}
            />
          </Tabs.Panel>
          <Tabs.Panel value="tasks" pt="sm">
            <Listed tasks={items} />
            <Link to={`/tasks?job=${encodeURIComponent(id)}`}>Search and act in the list of tasks</Link>
          </Tabs.Panel>
          <Tabs.Panel value="data" pt="sm">
            <JsonView value={fromPlain(job.data.metadata)} label="Metadata" />
          </Tabs.Panel>
        </Tabs>
        {tasks.error && <Trouble error={tasks.error} retry={() => void tasks.refetch()} />}
        {tasks.data?.next_cursor && (
          <div className="dim small">
            The first {count(SHOWN_MAX)} tasks are shown; the list of tasks has them all.
          </div>
        )}
      </Stack>
    </div>
  );
}

function Inner({ jobs }: { jobs: JobOut[] }) {
  return (
    <section aria-label="Jobs inside" className="scroll">
      <table className="table">
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <td>
                <Status state={job.state} />
              </td>
              <td>
                <Link to={jobPath(job.id)}>{job.name || job.id}</Link>
              </td>
              <td className="wide">
                <JobBar job={job} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Listed({ tasks }: { tasks: TaskSummary[] }) {
  return (
    <div className="scroll" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th>State</th>
            <th>Task</th>
            <th>Progress</th>
            <th>Queue</th>
            <th>Took</th>
            <th>Error or reason</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <Status state={task.state} reason={task.reason} />
              </td>
              <td>
                <Link to={taskPath(task.id)}>{title(task)}</Link>
              </td>
              <td>
                <Meter task={task} />
              </td>
              <td>{task.queue}</td>
              <td>
                <Took from={task.started_at} to={task.completed_at} running={task.state === 'running'} />
              </td>
              <td className="wrap">
                {task.error ? <span className="error-text">{task.error.message}</span> : task.reason}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function JobActions({ job }: { job: JobOut }) {
  const mayAct = useMay('operator');
  const queries = useQueryClient();
  const [asked, setAsked] = useState<JobVerb | null>(null);
  const order = useMutation({
    mutationFn: (verb: JobVerb) =>
      said(
        api.POST(`/v1/jobs/{job_id}/${verb}` as '/v1/jobs/{job_id}/retry', {
          params: { path: { job_id: job.id }, header: once() },
          body: {},
        }),
      ),
    onSuccess: (done) => {
      notifications.show({
        message: `${VERBS[done.verb as JobVerb]?.label ?? done.verb}: ${many(done.done, 'task')} done, ${count(done.refused)} refused, ${count(done.skipped)} not concerned.`,
        color: done.refused > 0 ? 'orange' : 'petrol',
      });
      setAsked(null);
      void queries.invalidateQueries({ queryKey: ['job', job.id] });
    },
  });
  if (!mayAct) return null;
  const c = job.counts;
  const open = (c.created ?? 0) + (c.blocked ?? 0) + (c.queued ?? 0) + (c.running ?? 0);
  const verbs: JobVerb[] = [
    ...((c.created ?? 0) > 0 ? (['submit'] as const) : []),
    ...((c.failed ?? 0) + (c.cancelled ?? 0) > 0 ? (['retry'] as const) : []),
    ...(job.tasks > 0 && open === 0 ? (['archive'] as const) : []),
    ...(open > 0 ? (['cancel'] as const) : []),
  ];
  return (
    <Group gap={6}>
      {verbs.map((verb) => (
        <Button
          key={verb}
          size="compact-sm"
          variant={verb === 'cancel' ? 'filled' : 'default'}
          color={verb === 'cancel' ? 'red.9' : 'petrol'}
          onClick={() => setAsked(verb)}
        >
          {VERBS[verb].label}…
        </Button>
      ))}
      {asked && (
        <Modal
          opened
          onClose={() => setAsked(null)}
          title={`${VERBS[asked].label} the tasks of ${job.name || job.id}`}
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Stack gap="sm">
            <div>{VERBS[asked].does}</div>
            <div className="dim small">Tasks of this job, and of jobs inside it, that the verb concerns.</div>
            {order.error && <Trouble error={order.error} />}
            <Group justify="space-between">
              <Curl command={curl('POST', `/v1/jobs/${inPath(job.id)}/${asked}`, {})} />
              <Group gap="xs">
                <Button variant="default" onClick={() => setAsked(null)}>
                  Leave it
                </Button>
                <Button
                  color={asked === 'cancel' ? 'red.9' : 'petrol'}
                  loading={order.isPending}
                  onClick={() => order.mutate(asked)}
                >
                  {VERBS[asked].label}
                </Button>
              </Group>
            </Group>
          </Stack>
        </Modal>
      )}
    </Group>
  );
}
