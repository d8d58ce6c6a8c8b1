import { Button, Group, Menu } from '@mantine/core';
import { IconRefresh, IconX } from '@tabler/icons-react';
import {
  type CSSProperties,
  lazy,
  type ReactNode,
  Suspense,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { api, type BulkVerb, type TaskSummary } from '../api/client';
import { useMay } from '../api/session';
import { useTaskList } from '../api/taskList';
import { copy } from '../lib/copy';
import { curl } from '../lib/curl';
import {
  FIELDS,
  isFiltered,
  queryString,
  type Search,
  type Typed,
  without,
  writeSearch,
} from '../lib/filter';
import { useSetting } from '../lib/settings';
import { brief, count, inPath, many } from '../lib/words';
import { BulkDialog, type Target } from './actions';
import { Curl } from './Copyable';
import { useKeys } from './keys';
import { Columns, Export, Views } from './listMenus';
import { jobPath, taskPath, useGo, useSearchWords, useSetSearch } from './nav';
import { SearchBox } from './SearchBox';
import { type Selection, TaskTable } from './TaskTable';
import { Trouble } from './Trouble';

const TaskView = lazy(() => import('./TaskView'));
const WIDE = '(min-width: 62em)';

interface Props {
  heading: string;
  archived: 'false' | 'true';
  /** Verbs for what is selected. */
  verbs: readonly BulkVerb[];
  /** How many the filter means, where counters tell. */
  total: number | null;
  above?: ReactNode;
  /** How much of the window the table leaves to others. */
  reserve: number;
  empty: ReactNode;
}

/** The list of tasks with its search, filters, actions and side panel: of the live ones or of the archive. */
export function TaskListView({ heading, archived, verbs, total, above, reserve, empty }: Props) {
  const search = useSearchWords();
  const setSearch = useSetSearch();
  const go = useGo();
  const list = useTaskList(search, archived);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<{ verb: BulkVerb; target: Target } | null>(null);
  const [problems, setProblems] = useState<string[]>([]);
  const [columns] = useSetting('columns');
  const mayAct = useMay('operator');
  const calm = useRef(true);
  const hovered = useRef(false);
  const open = search['task']?.[0] ?? null;
  const sort = search['sort']?.[0] ?? '-created';
  const selection = useMemo<Selection>(
    () => ({
      has: (id) => selected.has(id),
      size: selected.size,
      toggle: (id, on) =>
        setSelected((before) => {
          const next = new Set(before);
          if (on ?? !next.has(id)) next.add(id);
          else next.delete(id);
          return next;
        }),
      set: (ids) => setSelected(new Set(ids)),
    }),
    [selected],
  );
  const words = writeSearch({ ...search, task: undefined });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has other tasks
  useEffect(() => setSelected(new Set()), [words]);

  // Nothing moves under the pointer: new rows come in by themselves only where nobody is at work.
  const { news, newsIsMore, showNews } = list;
  useEffect(() => {
    const free = calm.current && !hovered.current && selected.size === 0 && open === null;
    if (news > 0 && !newsIsMore && free && !document.activeElement?.closest('[role=grid]')) showNews();
  }, [news, newsIsMore, showNews, selected.size, open]);

  function onTyped(typed: Typed): void {
    setProblems(typed.problems);
    if (typed.problems.length > 0) return;
    setSearch((before) => merged(before, typed.search), { replace: false });
    const [id] = typed.bare;
    if (id) void jump(id);
  }

  async function jump(id: string): Promise<void> {
    const found = await api
      .GET('/v1/tasks/{task_id}', { params: { path: { task_id: id } } })
      .catch(() => null);
    if (found?.data) return openTask(id, 'panel');
    const job = await api.GET('/v1/jobs/{job_id}', { params: { path: { job_id: id } } }).catch(() => null);
    if (job?.data) return go(jobPath(id));
    setProblems([
      `No task or job has the id “${brief(id, 40)}”. Names are not searched; filter with ${FIELDS.slice(0, 4)
        .map((f) => `${f.key}:`)
        .join(', ')} and so on.`,
    ]);
  }

  function openTask(id: string, where: 'panel' | 'page'): void {
    if (where === 'page' || !window.matchMedia(WIDE).matches) go(taskPath(id));
    else setSearch((before) => ({ ...before, task: [id] }));
  }

  function closeTask(): void {
    setSearch(({ task: _task, tab: _tab, ...rest }) => rest);
  }

  useKeys({ Escape: () => (open ? closeTask() : setSelected(new Set())) });

  function onVerb(verb: 'cancel' | 'retry' | 'archive', task: TaskSummary): void {
    if (!mayAct || !verbs.includes(verb)) return;
    const ids = selected.size > 0 ? [...selected] : [task.id];
    setDialog({ verb, target: { ids } });
  }

  const request = `/v1/tasks${queryString({ ...list.query, limit: 200 })}`;
  const filtered = isFiltered(search);
  const loaded = list.hasMore ? `${count(list.tasks.length)} loaded` : many(list.tasks.length, 'task');
  return (
    <div className="page" style={{ '--grid': `calc(100dvh - ${reserve}px)` } as CSSProperties}>
      <Group justify="space-between" mb={8} gap="xs">
        <h1>{heading}</h1>
        <Group gap="xs">
          <span className="dim small num" role="status">
            {list.loading && list.tasks.length === 0
              ? 'Loading…'
              : total !== null && list.hasMore
                ? `${loaded} of ${count(total)}`
                : loaded}
          </span>
          <Views search={search} path={archived === 'true' ? '/archive' : '/tasks'} />
          <Columns />
          <Export query={list.query} />
        </Group>
      </Group>
      {above}
      <Group gap="xs" my={8} align="center">
        <SearchBox onTyped={onTyped} />
        <Chips
          search={search}
          onRemove={(key, value) => setSearch((before) => without(before, key, value))}
        />
        <Curl command={curl('GET', request)} label="Copy this list as curl" />
        {selected.size > 0 && mayAct && (
          <Group gap={6} ml="auto" role="region" aria-label="What to do with the selection">
            <b className="num small">{count(selected.size)} selected</b>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button size="compact-sm" variant="default">
                  All that match…
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {verbs.map((verb) => (
                  <Menu.Item key={verb} onClick={() => setDialog({ verb, target: { filter: list.query } })}>
                    {verbName(verb)} all that match
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            {verbs.map((verb) => (
              <Button
                key={verb}
                size="compact-sm"
                variant={verb === 'cancel' || verb === 'delete' ? 'filled' : 'default'}
                color={verb === 'cancel' || verb === 'delete' ? 'red.9' : 'petrol'}
                onClick={() => setDialog({ verb, target: { ids: [...selected] } })}
              >
                {verbName(verb)}…
              </Button>
            ))}
          </Group>
        )}
      </Group>
      {problems.length > 0 && (
        <div className="chip chip-orange notice" role="alert">
          <span>{problems.join(' · ')}</span>
          <button type="button" aria-label="Dismiss" onClick={() => setProblems([])}>
            <IconX size={12} />
          </button>
        </div>
      )}
      {list.error && list.tasks.length === 0 ? (
        <Trouble error={list.error} retry={list.refresh} title="The tasks could not be read" />
      ) : (
        <div className="split" data-open={open !== null}>
          {/* biome-ignore lint/a11y/noStaticElementInteractions: only told whether the pointer is here */}
          <div
            className="panel"
            onMouseEnter={() => {
              hovered.current = true;
            }}
            onMouseLeave={() => {
              hovered.current = false;
            }}
          >
            {news > 0 && (
              <div className="news">
                <Button
                  size="compact-xs"
                  variant="subtle"
                  leftSection={<IconRefresh size={13} />}
                  onClick={showNews}
                >
                  {newsIsMore ? 'Many new tasks: read the list anew' : `${news} new: show`}
                </Button>
              </div>
            )}
            {list.tasks.length === 0 && !list.loading ? (
              <Nothing
                search={search}
                filtered={filtered}
                empty={empty}
                onRemove={(k, v) => setSearch((b) => without(b, k, v))}
              />
            ) : (
              <TaskTable
                tasks={list.tasks}
                columns={columns}
                total={total ?? list.tasks.length}
                hasMore={list.hasMore}
                loading={list.loading}
                more={list.more}
                open={open}
                onOpen={(task, where) => openTask(task.id, where)}
                onClose={closeTask}
                onVerb={onVerb}
                onCopy={(what, task) =>
                  void (what === 'id'
                    ? copy(task.id, 'Copied the id')
                    : copy(curl('GET', `/v1/tasks/${inPath(task.id)}`), 'Copied the command'))
                }
                selection={selection}
                sort={sort}
                onSort={(next) => setSearch((before) => ({ ...before, sort: [next] }))}
                onCalm={(is) => {
                  calm.current = is;
                }}
                height={`max(240px, var(--grid) - ${news > 0 ? 34 : 0}px)`}
              />
            )}
          </div>
          {open !== null && (
            <aside
              className="panel aside"
              aria-label="The task"
              style={{ height: 'max(240px, var(--grid))' }}
            >
              <Suspense fallback={null}>
                <TaskView id={open} key={open} close={closeTask} />
              </Suspense>
            </aside>
          )}
        </div>
      )}
      {dialog && (
        <BulkDialog
          verb={dialog.verb}
          target={dialog.target}
          close={(done) => {
            setDialog(null);
            if (done) setSelected(new Set());
          }}
        />
      )}
    </div>
  );
}

function verbName(verb: BulkVerb): string {
  return verb.charAt(0).toUpperCase() + verb.slice(1);
}

/** What was typed is added to what is asked for; of words that take one value, the new one counts. */
function merged(before: Search, typed: Search): Search {
  const next = { ...before };
  for (const [key, values] of Object.entries(typed)) {
    const field = FIELDS.find((f) => f.key === key);
    next[key] = field?.many ? [...new Set([...(before[key] ?? []), ...values])] : values;
  }
  return next;
}

function Chips({ search, onRemove }: { search: Search; onRemove: (key: string, value: string) => void }) {
  const all = FIELDS.flatMap((field) =>
    (search[field.key] ?? []).map((value) => [field.key, value] as const),
  );
  return all.map(([key, value]) => (
    <span className="chip chip-petrol" key={`${key}:${value}`}>
      {key}: {brief(value, 32)}
      <button type="button" aria-label={`Remove ${key}: ${value}`} onClick={() => onRemove(key, value)}>
        <IconX size={11} />
      </button>
    </span>
  ));
}

function Nothing(props: {
  search: Search;
  filtered: boolean;
  empty: ReactNode;
  onRemove: (key: string, value: string) => void;
}) {
  if (!props.filtered) return <div className="empty">{props.empty}</div>;
  return (
    <div className="empty">
      <h2>No task is like that</h2>
      <p className="dim">Take something away:</p>
      <Group justify="center" gap="xs">
        <Chips search={props.search} onRemove={props.onRemove} />
      </Group>
    </div>
  );
}
