/** A thing that waits for others, by their ids. */
export interface Waiting {
  id: string;
  inputs: readonly string[];
}

export interface Placed {
  id: string;
  column: number;
  row: number;
}

const SWEEPS = 6;

/** Puts things into columns, each behind all it waits for, and orders columns so that lines cross little. */
export function layers(things: readonly Waiting[]): Placed[] {
  const known = new Map(things.map((thing) => [thing.id, thing]));
  const column = columnsOf(things, known);
  const columns: string[][] = [];
  for (const thing of things) {
    const at = column.get(thing.id) ?? 0;
    columns[at] = [...(columns[at] ?? []), thing.id];
  }
  const before = new Map(things.map((t) => [t.id, t.inputs.filter((id) => known.has(id))]));
  const behind = new Map<string, string[]>(things.map((thing) => [thing.id, []]));
  for (const [id, inputs] of before) for (const input of inputs) behind.get(input)?.push(id);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    const rows = new Map<string, number>();
    for (const ids of columns) for (const [row, id] of (ids ?? []).entries()) rows.set(id, row);
    for (const ids of forward ? columns : columns.toReversed()) {
      if (!ids) continue;
      const weight = new Map(ids.map((id) => [id, middle((forward ? before : behind).get(id), rows, id)]));
      ids.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
      for (const [row, id] of ids.entries()) rows.set(id, row);
    }
  }
  const tallest = Math.max(1, ...columns.map((ids) => ids?.length ?? 0));
  return columns.flatMap((ids, at) =>
    (ids ?? []).map((id, row) => ({ id, column: at, row: row + (tallest - ids.length) / 2 })),
  );
}

function middle(near: readonly string[] | undefined, rows: Map<string, number>, id: string): number {
  if (!near || near.length === 0) return rows.get(id) ?? 0;
  return near.reduce((sum, other) => sum + (rows.get(other) ?? 0), 0) / near.length;
}

/** The longest way to each thing; a circle, which should not be, ends where it began. */
function columnsOf(things: readonly Waiting[], known: Map<string, Waiting>): Map<string, number> {
  const column = new Map<string, number>();
  const waiting = new Map(things.map((t) => [t.id, t.inputs.filter((id) => known.has(id)).length]));
  const behind = new Map<string, string[]>();
  for (const thing of things) {
    for (const input of thing.inputs) behind.set(input, [...(behind.get(input) ?? []), thing.id]);
  }
  const ready = things.filter((thing) => waiting.get(thing.id) === 0).map((thing) => thing.id);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    const at = column.get(id) ?? 0;
    column.set(id, at);
    for (const next of behind.get(id) ?? []) {
      column.set(next, Math.max(column.get(next) ?? 0, at + 1));
      const left = (waiting.get(next) ?? 1) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return column;
}
