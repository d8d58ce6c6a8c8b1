import { Button, Group } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, once, type Shard, said, type Task } from '../../api/client';
import { useMay } from '../../api/session';
import { useShards } from '../../api/taskQueries';
import { count, STATES } from '../../lib/words';
import { Id } from '../Copyable';
import { Sentence } from '../Sentence';
import { Sure } from '../Sure';
import { LOOKS, Status } from '../status';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';

/** Shards as a grid, one square each; the chosen one is told below. */
export function ShardsTab({ task }: { task: Task }) {
  const shards = useShards(task.id, task.shards !== null);
  const [chosen, setChosen] = useState<number | null>(null);
  const items = shards.data?.pages.flatMap((page) => page.items) ?? [];
  const total = task.shards;
  if (shards.error) return <Trouble error={shards.error} retry={() => void shards.refetch()} />;
  if (!total) return <div className="dim">It has no shards.</div>;
  const there = STATES.filter((state) => items.some((shard) => shard.state === state));
  const shard = items.find((s) => s.index === chosen);
  return (
    <>
      <Group gap="sm" mb="xs" className="small">
        <span className="num">
          {count(total.items_succeeded)} of {count(task.items_total ?? total.items)} items are done
        </span>
        {total.needed != null && (
          <span className="num">
            <b>{count(total.needed)}</b> of {count(total.total)} shards are enough, {count(total.succeeded)}{' '}
            succeeded
          </span>
        )}
        {there.map((state) => (
          <span key={state} className="legend">
            <span className={`square chip-${LOOKS[state].color}`} aria-hidden />
            {LOOKS[state].label}{' '}
            <span className="num dim">{items.filter((s) => s.state === state).length}</span>
          </span>
        ))}
      </Group>
      <div className="shards">
        {items.map((s) => (
          <button
            type="button"
            key={s.index}
            className={`chip-${LOOKS[s.state].color}`}
            aria-pressed={s.index === chosen}
            aria-label={`Shard ${s.index}, ${s.state}`}
            title={`Shard ${s.index}, ${s.state}`}
            onClick={() => setChosen(s.index === chosen ? null : s.index)}
          >
            {s.index}
          </button>
        ))}
      </div>
      {shards.hasNextPage && (
        <Button size="compact-sm" variant="subtle" mt="xs" onClick={() => void shards.fetchNextPage()}>
          More shards
        </Button>
      )}
      {shard && <Chosen key={shard.index} task={task} shard={shard} />}
    </>
  );
}

/** A shard in words, with what an operator may do to it. */
function Chosen({ task, shard }: { task: Task; shard: Shard }) {
  const queries = useQueryClient();
  const mayAct = useMay('operator');
  const [asked, setAsked] = useState(false);
  const path = { task_id: task.id, index: String(shard.index) };
  const explained = useQuery({
    queryKey: ['task', task.id, 'shards', shard.index, 'explain', shard.updated_at],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/tasks/{task_id}/shards/{index}/explain', { params: { path }, signal })),
  });
  const act = useMutation({
    mutationFn: ({ verb, body }: { verb: 'retry' | 'cancel'; body: { reason?: string } }) =>
      said(
        api.POST(
          `/v1/tasks/{task_id}/shards/{index}/${verb}` as '/v1/tasks/{task_id}/shards/{index}/cancel',
          {
            params: { path, header: once() },
            body,
          },
        ),
      ),
    onSuccess: () => setAsked(false),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['task', task.id] }),
  });
  const can = mayAct ? (explained.data?.can ?? []) : [];
  return (
    <div className="panel pad chosen" role="status">
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <b>Shard {shard.index}</b>
          <Status state={shard.state} reason={shard.reason} />
          <span className="small dim">
            {shard.item_count > 1
              ? `items ${shard.item_offset} to ${shard.item_offset + shard.item_count - 1}`
              : `item ${shard.item_offset}`}
            {shard.queue && `, ${shard.queue}`}, changed <Ago at={shard.updated_at} />
          </span>
        </Group>
        <Group gap={6}>
          {can.includes('retry') && (
            <Button
              size="compact-sm"
              variant="default"
              loading={act.isPending}
              onClick={() => act.mutate({ verb: 'retry', body: {} })}
            >
              Retry the shard
            </Button>
          )}
          {can.includes('cancel') && (
            <Button size="compact-sm" color="red.9" onClick={() => setAsked(true)}>
              Cancel the shard…
            </Button>
          )}
        </Group>
      </Group>
      {explained.data && <Sentence text={explained.data.summary} />}
      {shard.external_ref && <Id id={shard.external_ref} what="outside id" long />}
      {shard.error && <div className="error-text">{shard.error.message ?? shard.error.category}</div>}
      {act.error && !asked && <Trouble error={act.error} />}
      {asked && (
        <Sure
          title={`Cancel shard ${shard.index}`}
          act="Cancel the shard"
          pending={act.isPending}
          error={act.error}
          close={() => setAsked(false)}
          onSure={() => act.mutate({ verb: 'cancel', body: {} })}
        >
          What it covers is not done; the task goes on with its other shards, if they are enough.
        </Sure>
      )}
    </div>
  );
}
