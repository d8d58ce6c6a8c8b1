import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { TaskSummary } from '../api/client';
import { useSetting } from '../lib/settings';
import { type Column, columnsOf, title, widthOf } from './columns';

export interface Selection {
  has: (id: string) => boolean;
  size: number;
  toggle: (id: string, on?: boolean) => void;
  set: (ids: readonly string[]) => void;
}

interface Props {
  tasks: TaskSummary[];
  columns: readonly string[];
  total: number;
  hasMore: boolean;
  loading: boolean;
  more: () => void;
  open: string | null;
  onOpen: (task: TaskSummary, where: 'panel' | 'page') => void;
  onClose: () => void;
  onVerb: (verb: 'cancel' | 'retry' | 'archive', task: TaskSummary) => void;
  onCopy: (what: 'id' | 'curl', task: TaskSummary) => void;
  selection: Selection;
  sort: string;
  onSort: (sort: string) => void;
  /** Whether nobody is looking at a particular row, so that new ones may come in on top. */
  onCalm: (calm: boolean) => void;
  height: string;
}

const HEAD = 34;

/** A row's cells; rendered anew only when the task itself changed. */
const Line = memo(function Line(props: {
  task: TaskSummary;
  columns: readonly Column[];
  template: string;
  index: number;
  top: number;
  selected: boolean;
  active: boolean;
  open: boolean;
  onPress: (event: MouseEvent, index: number) => void;
}) {
  const { task } = props;
  return (
    <div
      id={`row-${task.id}`}
      role="row"
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      data-active={props.active || undefined}
      data-open={props.open || undefined}
      className="grid-row grid-line"
      style={{ gridTemplateColumns: props.template, transform: `translateY(${props.top}px)` }}
      onClick={(event) => props.onPress(event, props.index)}
    >
      <div role="gridcell">
        <input
          type="checkbox"
          className="tick"
          tabIndex={-1}
          aria-label={`Select ${title(task)}`}
          checked={props.selected}
          readOnly
        />
      </div>
      {props.columns.map((column) => (
        <div role="gridcell" key={column.id}>
          {column.cell(task)}
        </div>
      ))}
    </div>
  );
});

/** Tasks as rows, of which only those in view exist; one tab stop, moved through by keys. */
export function TaskTable(props: Props) {
  const { tasks, selection, hasMore, loading, more } = props;
  const box = useRef<HTMLDivElement>(null);
  const [density] = useSetting('density');
  const [times] = useSetting('times');
  const row = density === 'compact' ? 34 : 44;
  const [active, setActive] = useState(0);
  const columns = useMemo(() => columnsOf(props.columns), [props.columns]);
  const template = useMemo(
    () =>
      `40px ${columns
        .map((c) => (c.grows ? `minmax(${c.width}px,1fr)` : `${widthOf(c, times === 'absolute')}px`))
        .join(' ')}`,
    [columns, times],
  );
  const rows = useVirtualizer({
    count: tasks.length,
    getScrollElement: () => box.current,
    estimateSize: () => row,
    overscan: 10,
    scrollMargin: 0,
    getItemKey: (index) => tasks[index]?.id ?? index,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !loading && last > tasks.length - 40) more();
  }, [last, tasks.length, hasMore, loading, more]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are measured anew
  useEffect(() => rows.measure(), [row]);

  function move(to: number): void {
    const next = Math.max(0, Math.min(tasks.length - 1, to));
    setActive(next);
    rows.scrollToIndex(next, { align: 'auto' });
  }
  function extend(to: number): void {
    for (const index of [active, to]) {
      const task = tasks[index];
      if (task) selection.toggle(task.id, true);
    }
    move(to);
  }
  function neighbour(step: number): void {
    move(active + step);
    const task = tasks[active + step];
    if (task && props.open) props.onOpen(task, 'panel');
  }
  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const task = tasks[active];
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 400) / row) - 2);
    const keys: Record<string, () => void> = {
      j: () => move(active + 1),
      ArrowDown: () => move(active + 1),
      k: () => move(active - 1),
      ArrowUp: () => move(active - 1),
      J: () => extend(active + 1),
      K: () => extend(active - 1),
      PageDown: () => move(active + page),
      PageUp: () => move(active - page),
      Home: () => move(0),
      End: () => move(tasks.length - 1),
      '*': () => selection.set(tasks.map((t) => t.id)),
      ']': () => neighbour(1),
      '[': () => neighbour(-1),
    };
    if (task) {
      keys['x'] = keys[' '] = () => selection.toggle(task.id);
      keys['Enter'] = keys['o'] = () => props.onOpen(task, 'panel');
      keys['O'] = () => props.onOpen(task, 'page');
      keys['c'] = () => props.onVerb('cancel', task);
      keys['r'] = () => props.onVerb('retry', task);
      keys['e'] = () => props.onVerb('archive', task);
      keys['y'] = () => props.onCopy('id', task);
      keys['Y'] = () => props.onCopy('curl', task);
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  const latest = useRef({ tasks, selection, active, onOpen: props.onOpen });
  latest.current = { tasks, selection, active, onOpen: props.onOpen };
  const onPress = useRef((event: MouseEvent, index: number) => {
    const now = latest.current;
    const task = now.tasks[index];
    const target = event.target as HTMLElement;
    if (!task || target.closest('a')) return;
    if (target.closest('input') || event.shiftKey) {
      if (event.shiftKey) {
        const [low, high] = [Math.min(now.active, index), Math.max(now.active, index)];
        for (const t of now.tasks.slice(low, high + 1)) now.selection.toggle(t.id, true);
      } else now.selection.toggle(task.id);
    } else now.onOpen(task, 'panel');
    setActive(index);
    box.current?.focus({ preventScroll: true });
  });

  const all = tasks.length > 0 && selection.size >= tasks.length;
  const activeTask = tasks[active];
  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      tabIndex={0}
      aria-label="Tasks"
      aria-rowcount={hasMore ? -1 : tasks.length + 1}
      aria-multiselectable="true"
      aria-busy={loading}
      aria-activedescendant={
        activeTask && items.some((i) => i.index === active) ? `row-${activeTask.id}` : undefined
      }
      style={{ height: props.height }}
      onKeyDown={press}
      onScroll={(event) => props.onCalm(event.currentTarget.scrollTop < row)}
    >
      <div role="rowgroup" className="grid-head">
        <div
          role="row"
          aria-rowindex={1}
          className="grid-row"
          style={{ gridTemplateColumns: template, height: HEAD - 1 }}
        >
          <div role="columnheader">
            <input
              type="checkbox"
              className="tick"
              aria-label="Select all that are loaded"
              checked={all}
              ref={(input) => {
                if (input) input.indeterminate = !all && selection.size > 0;
              }}
              onChange={() => selection.set(all ? [] : tasks.map((task) => task.id))}
            />
          </div>
          {columns.map((column) => (
            <Heading key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: rows.getTotalSize() }}>
        {items.map((item): ReactNode => {
          const task = tasks[item.index];
          return task ? (
            <Line
              key={item.key}
              task={task}
              columns={columns}
              template={template}
              index={item.index}
              top={item.start}
              selected={selection.has(task.id)}
              active={item.index === active}
              open={props.open === task.id}
              onPress={onPress.current}
            />
          ) : null;
        })}
      </div>
    </div>
  );
}

function Heading({ column, sort, onSort }: { column: Column; sort: string; onSort: (sort: string) => void }) {
  const order = column.sort;
  if (!order) return <div role="columnheader">{column.label}</div>;
  const down = sort === `-${order}`;
  const up = sort === order;
  return (
    <div role="columnheader" aria-sort={down ? 'descending' : up ? 'ascending' : 'none'}>
      <button type="button" onClick={() => onSort(down ? order : `-${order}`)}>
        {column.label}
        {down && <IconArrowDown size={13} aria-hidden />}
        {up && <IconArrowUp size={13} aria-hidden />}
      </button>
    </div>
  );
}
