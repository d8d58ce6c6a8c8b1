import { Button, Group, Modal, Progress, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type BulkVerb, once, said, type TaskQuery } from '../api/client';
import { ifMatch } from '../api/versions';
import { curl } from '../lib/curl';
import { count, inPath, many } from '../lib/words';
import { Curl } from './Copyable';
import { Link } from './Link';
import { Trouble } from './Trouble';

/** What a verb does, in words. */
export const VERBS: Record<BulkVerb, { label: string; does: string; danger?: boolean }> = {
  cancel: {
    label: 'Cancel',
    does: 'Tasks that have not ended are cancelled. A worker that holds one is asked to stop; what is not held ends at once.',
    danger: true,
  },
  retry: {
    label: 'Retry',
    does: 'Ended tasks are queued again, as a new attempt. Earlier attempts stay readable.',
  },
  archive: {
    label: 'Archive',
    does: 'Ended tasks leave the lists and counts. They can be restored from the archive.',
  },
  restore: { label: 'Restore', does: 'Archived tasks come back into the lists and counts.' },
  submit: { label: 'Submit', does: 'Tasks that were only created are queued.' },
  delete: {
    label: 'Delete',
    does: 'Tasks are removed with their history and results. This cannot be undone.',
    danger: true,
  },
};

/** Which tasks: some by their ids, or all that a filter means. */
export type Target = { ids: string[] } | { filter: TaskQuery };

function selectionOf(target: Target): Record<string, unknown> {
  if ('ids' in target) return { ids: target.ids };
  const { order: _o, direction: _d, limit: _l, cursor: _c, ...filter } = target.filter;
  const said = Object.keys(filter).filter((name) => name !== 'archived');
  return said.length > 0 ? { filter } : { all: true, filter };
}

/** From this many on, the number must be typed. */
const TYPED_FROM = 100;

/** Says what would happen to how many tasks, and does it when told so. */
export function BulkDialog({
  verb,
  target,
  close,
}: {
  verb: BulkVerb;
  target: Target;
  close: (done: boolean) => void;
}) {
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const queries = useQueryClient();
  const body = { verb, ...selectionOf(target), ...(reason ? { reason } : {}) } as Parameters<typeof bulk>[0];
  const preview = useQuery({
    queryKey: ['dry run', verb, target],
    queryFn: () => bulk({ ...body, dry_run: true }),
    gcTime: 0,
  });
  const total = preview.data && 'sample' in preview.data ? preview.data.total : null;
  const begin = useMutation({
    mutationFn: () => bulk(body),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['operations'] }),
  });
  const operation = begin.data && 'id' in begin.data ? begin.data : null;
  const words = VERBS[verb];
  const mustType = (total ?? 0) >= TYPED_FROM;
  const ready = total !== null && total > 0 && (!mustType || typed.replace(/\D/g, '') === String(total));
  return (
    <Modal
      opened
      onClose={() => close(operation !== null)}
      title={`${words.label} ${total === null ? 'tasks' : many(total, 'task')}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {operation ? (
        <OperationProgress id={operation.id} close={() => close(true)} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) begin.mutate();
          }}
        >
          <Stack gap="sm">
            <div>{words.does}</div>
            {preview.isPending && <div className="dim">Counting…</div>}
            {preview.error && <Trouble error={preview.error} retry={() => void preview.refetch()} />}
            {total === 0 && <div className="dim">Nothing matches any more.</div>}
            {total !== null && total > 0 && (
              <div className="dim small">
                Counted just now; those that the verb does not concern are left as they are, and listed.
              </div>
            )}
            {verb === 'cancel' && (
              <TextInput
                label="Why (shown to workers and in the history)"
                value={reason}
                maxLength={255}
                onChange={(event) => setReason(event.currentTarget.value)}
              />
            )}
            {mustType && (
              <TextInput
                label={`Type ${count(total ?? 0)} to go on`}
                value={typed}
                inputMode="numeric"
                autoComplete="off"
                onChange={(event) => setTyped(event.currentTarget.value)}
              />
            )}
            {begin.error && <Trouble error={begin.error} />}
            <Group justify="space-between">
              <Curl command={curl('POST', '/v1/bulk', body)} />
              <Group gap="xs">
                <Button variant="default" onClick={() => close(false)}>
                  Leave it
                </Button>
                <Button
                  type="submit"
                  color={words.danger ? 'red.9' : 'petrol'}
                  disabled={!ready}
                  loading={begin.isPending}
                >
                  {words.label} {total === null ? '' : count(total)}
                </Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function bulk(body: {
  verb: BulkVerb;
  ids?: string[];
  filter?: TaskQuery;
  all?: boolean;
  reason?: string;
  dry_run?: boolean;
}) {
  return said(
    api.POST('/v1/bulk', {
      body: { all: false, dry_run: false, ...body } as never,
      params: { header: once() },
    }),
  );
}

/** How far an operation is; goes on when the dialog is closed. */
export function OperationProgress({ id, close }: { id: string; close?: () => void }) {
  const operation = useQuery({
    queryKey: ['operations', id],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/operations/{operation_id}', { params: { path: { operation_id: id } }, signal })),
    refetchInterval: (query) => (query.state.data?.state === 'running' || !query.state.data ? 500 : false),
  });
  const now = operation.data;
  if (operation.error) return <Trouble error={operation.error} retry={() => void operation.refetch()} />;
  if (!now) return <div className="dim">Starting…</div>;
  const gone = now.done + now.refused;
  return (
    <Stack gap="sm">
      <Progress
        value={now.total === 0 ? 100 : (gone / now.total) * 100}
        aria-label="Progress of the operation"
        size="lg"
        animated={now.state === 'running'}
      />
      <div role="status" className="num">
        {now.state === 'running' && `${count(gone)} of ${count(now.total)}…`}
        {now.state === 'done' &&
          `Done: ${many(now.done, 'task')}${now.refused ? `, ${count(now.refused)} left as they are` : ''}.`}
        {now.state === 'failed' && `It could not go on after ${many(gone, 'task')}: ${now.error}`}
      </div>
      {now.refusals.length > 0 && (
        <div className="scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Left as it is</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {now.refusals.slice(0, 8).map((refusal) => (
                <tr key={refusal.id}>
                  <td className="mono">{refusal.id}</td>
                  <td>{refusal.detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Group justify="space-between">
        <Link to={`/operations/${inPath(id)}`} {...(close ? { onClick: close } : {})}>
          This operation
        </Link>
        {close && (
          <Button variant="default" onClick={close}>
            Close
          </Button>
        )}
      </Group>
    </Stack>
  );
}

export type TaskVerb = 'submit' | 'cancel' | 'retry' | 'archive' | 'restore' | 'adopt' | 'hold' | 'release';

const DONE: Record<TaskVerb, string> = {
  submit: 'Submitted',
  cancel: 'Cancelling',
  retry: 'Retried',
  archive: 'Archived',
  restore: 'Restored',
  adopt: 'Adopted',
  hold: 'Put under a legal hold',
  release: 'Legal hold lifted',
};

/**
 * These are about the end that somebody looked at, and not about one that came meanwhile. The
 * others are meant however the task has gone on.
 */
const ABOUT_AN_END = new Set<TaskVerb>(['retry', 'adopt']);

/** Carries out a verb on one task. */
export function useVerb(task: { id: string; version: number }, done: () => void) {
  return useMutation({
    mutationFn: async ({ verb, body }: { verb: TaskVerb; body: Record<string, unknown> }) =>
      said(
        api.POST(`/v1/tasks/{task_id}/${verb}` as '/v1/tasks/{task_id}/cancel', {
          params: {
            path: { task_id: task.id },
            header: { ...once(), ...(ABOUT_AN_END.has(verb) ? ifMatch(task) : {}) },
          },
          body,
        }),
      ),
    onSuccess: (task, { verb }) => {
      notifications.show({
        message:
          verb === 'hold' || verb === 'release' ? DONE[verb] : `${DONE[verb]}: the task is ${task.state}.`,
        color: 'petrol',
      });
      done();
    },
    onError: done,
  });
}
