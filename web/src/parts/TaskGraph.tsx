import { useMemo } from 'react';
import type { TaskState } from '../api/client';
import { layers } from '../lib/layers';
import { many, STATES } from '../lib/words';
import { Link } from './Link';
import { taskPath } from './nav';
import { LOOKS } from './status';

export interface GraphNode {
  id: string;
  label: string;
  kind: string | null;
  state: TaskState | null;
  inputs: readonly string[];
}

const WIDTH = 176;
const HEIGHT = 46;
const GAP_X = 54;
const GAP_Y = 14;
const PAD = 14;
/** Tasks that wait for the same and are waited for by the same are drawn as one from here on. */
const GROUP_FROM = 6;

interface Drawn extends GraphNode {
  members: GraphNode[];
}

/** Tasks and what they wait for, left to right; every box is a link. */
export function TaskGraph({
  nodes,
  here,
  label,
}: {
  nodes: readonly GraphNode[];
  here?: string;
  label: string;
}) {
  const drawn = useMemo(() => grouped(nodes, here), [nodes, here]);
  const places = useMemo(() => new Map(layers(drawn).map((place) => [place.id, place])), [drawn]);
  const x = (id: string) => PAD + (places.get(id)?.column ?? 0) * (WIDTH + GAP_X);
  const y = (id: string) => PAD + (places.get(id)?.row ?? 0) * (HEIGHT + GAP_Y);
  const width = Math.max(...drawn.map((node) => x(node.id)), 0) + WIDTH + PAD;
  const height = Math.max(...drawn.map((node) => y(node.id)), 0) + HEIGHT + PAD;
  return (
    <section className="dag" aria-label={label} tabIndex={0}>
      <div style={{ position: 'relative', width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {drawn.flatMap((node) =>
            node.inputs
              .filter((input) => places.has(input))
              .map((input) => {
                const [x1, y1] = [x(input) + WIDTH, y(input) + HEIGHT / 2];
                const [x2, y2] = [x(node.id), y(node.id) + HEIGHT / 2];
                const bend = Math.max(20, (x2 - x1) / 2);
                return (
                  <path
                    key={`${input}>${node.id}`}
                    d={`M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`}
                  />
                );
              }),
          )}
        </svg>
        {drawn.map((node) => (
          <Box key={node.id} node={node} here={node.id === here} left={x(node.id)} top={y(node.id)} />
        ))}
      </div>
    </section>
  );
}

function Box({ node, here, left, top }: { node: Drawn; here: boolean; left: number; top: number }) {
  const style = { position: 'absolute', left, top } as const;
  if (node.members.length > 1) {
    const counts = STATES.map(
      (state) => [state, node.members.filter((m) => m.state === state).length] as const,
    ).filter(([, n]) => n > 0);
    const words = counts.map(([state, n]) => `${n} ${state}`).join(', ');
    return (
      <div className="node node-group" style={style} title={words}>
        <b>
          {node.label} × {node.members.length}
        </b>
        <span>{words}</span>
        <div className="stack">
          {counts.map(([state, n]) => (
            <i key={state} data-state={state} style={{ flex: n }} />
          ))}
        </div>
      </div>
    );
  }
  const look = node.state ? LOOKS[node.state] : null;
  return (
    <Link
      to={taskPath(node.id)}
      className="node"
      style={style}
      data-state={node.state ?? 'unknown'}
      data-here={here || undefined}
      title={node.id}
      aria-current={here ? 'true' : undefined}
    >
      {look ? <look.Icon size={16} aria-hidden /> : <span />}
      <b>{node.label}</b>
      <span>{look?.label ?? 'does not exist'}</span>
    </Link>
  );
}

/** The boxes to draw: siblings that look alike from outside share one. */
function grouped(nodes: readonly GraphNode[], here: string | undefined): Drawn[] {
  const behind = new Map<string, string[]>();
  for (const node of nodes) {
    for (const input of node.inputs) behind.set(input, [...(behind.get(input) ?? []), node.id]);
  }
  const groups = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    const sides = [[...node.inputs].sort().join(' '), (behind.get(node.id) ?? []).sort().join(' ')];
    const key = node.id === here ? node.id : sides.join('|');
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  const standsFor = new Map<string, string>();
  const drawn: Drawn[] = [];
  for (const members of groups.values()) {
    const [first] = members;
    if (!first) continue;
    if (members.length < GROUP_FROM) {
      for (const node of members) drawn.push({ ...node, members: [node] });
      continue;
    }
    for (const node of members) standsFor.set(node.id, first.id);
    drawn.push({ ...first, label: commonLabel(members), members });
  }
  return drawn.map((node) => ({
    ...node,
    inputs: [...new Set(node.inputs.map((id) => standsFor.get(id) ?? id))].filter((id) => id !== node.id),
  }));
}

function commonLabel(members: readonly GraphNode[]): string {
  const labels = new Set(members.map((m) => m.kind ?? m.label));
  const [only] = labels;
  return labels.size === 1 && only ? only : many(members.length, 'task').replace(/^[\d,]+ /, '');
}
