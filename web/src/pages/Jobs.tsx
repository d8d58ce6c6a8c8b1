import { Button } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { api, type Job, said } from '../api/client';
import { useLive } from '../api/useLive';
import { curl } from '../lib/curl';
import { count, many, STATES } from '../lib/words';
import { Command } from '../parts/Copyable';
import { Labels } from '../parts/columns';
import { Link } from '../parts/Link';
import { jobPath } from '../parts/nav';
import { Status } from '../parts/status';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

export default function Jobs() {
  const queries = useQueryClient();
  useLive(
    (batch) => batch.events.some((event) => event.job_id !== null),
    () => void queries.invalidateQueries({ queryKey: ['jobs'] }),
    2000,
  );
  const jobs = useInfiniteQuery({
    queryKey: ['jobs'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/jobs', {
          params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page">
      <h1>Jobs</h1>
      {jobs.error && (
        <Trouble error={jobs.error} retry={() => void jobs.refetch()} title="The jobs could not be read" />
      )}
      {jobs.data && items.length === 0 && (
        <div className="panel empty">
          <h2>No jobs yet</h2>
          <p className="dim">
            A job is a group of tasks; its state follows from theirs. Make one, then tasks in it:
          </p>
          <Command>{curl('POST', '/v1/jobs', { id: 'my-job', name: 'Nightly' })}</Command>
          <Command>{curl('POST', '/v1/tasks', { kind: 'train', job_id: 'my-job' })}</Command>
        </div>
      )}
      {items.length > 0 && (
        <div className="panel scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>State</th>
                <th>Job</th>
                <th className="wide">Tasks</th>
                <th>Labels</th>
                <th>Created</th>
                <th>Updated</th>
              </tr>
            </thead>
            <tbody>
              {items.map((job) => (
                <tr key={job.id}>
                  <td>
                    <Status state={job.state} />
                  </td>
                  <td>
                    <div className="two">
                      <Link to={jobPath(job.id)}>{job.name || job.id}</Link>
                      <span className="mono">{job.id}</span>
                    </div>
                  </td>
                  <td>
                    <JobBar job={job} />
                  </td>
                  <td>
                    <Labels of={job.labels} />
                  </td>
                  <td className="nowrap">
                    <Ago at={job.created_at} />
                  </td>
                  <td className="nowrap">
                    <Ago at={job.updated_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {jobs.hasNextPage && (
            <Button
              m="xs"
              size="compact-sm"
              variant="default"
              loading={jobs.isFetchingNextPage}
              onClick={() => void jobs.fetchNextPage()}
            >
              More jobs
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

/** A job's tasks by state, as a bar and in words. */
export function JobBar({ job }: { job: Job }) {
  const parts = STATES.map((state) => [state, job.counts[state] ?? 0] as const).filter(([, n]) => n > 0);
  const words = parts.map(([state, n]) => `${count(n)} ${state}`).join(', ');
  return (
    <div className="job-bar">
      <div className="stack" aria-hidden="true">
        {parts.map(([state, n]) => (
          <i key={state} data-state={state} style={{ flex: n }} />
        ))}
      </div>
      <span className="small dim">
        {job.tasks === 0 ? 'no tasks' : words}
        {job.jobs > 0 && `, in ${many(job.jobs, 'job')}`}
        {!job.counts_complete && ' and more'}
      </span>
    </div>
  );
}
