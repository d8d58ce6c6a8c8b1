import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import type { Shard, Task } from '../../api/client';
import { useShards } from '../../api/taskQueries';
import { count, STATES } from '../../lib/words';
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
      {shard && <Chosen shard={shard} />}
    </>
  );
}

function Chosen({ shard }: { shard: Shard }) {
  return (
    <div className="panel pad chosen" role="status">
      <Group gap="xs">
        <b>Shard {shard.index}</b>
        <Status state={shard.state} reason={shard.reason} />
        <span className="small dim">
          items {shard.item_offset} to {shard.item_offset + shard.item_count - 1}
          {shard.queue && `, ${shard.queue}`}, changed <Ago at={shard.updated_at} />
        </span>
      </Group>
      {shard.external_ref && <div className="mono small">{shard.external_ref}</div>}
      {shard.error && <div className="error-text">{shard.error.message ?? shard.error.category}</div>}
    </div>
  );
}
