import { ActionIcon, Button, Group, Modal, Stack, Tabs, TextInput } from '@mantine/core';
import { IconExternalLink, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Explanation, Likely, Task } from '../api/client';
import { useMay } from '../api/session';
import { apiPath, useExplanation, useTask } from '../api/taskQueries';
import { curl } from '../lib/curl';
import { span, useNow } from '../lib/time';
import { count, many } from '../lib/words';
import { type TaskVerb, useVerb } from './actions';
import { Curl, Id } from './Copyable';
import { Labels, Meter, title } from './columns';
import { Link } from './Link';
import { jobPath, taskPath, useSearchWords, useSetSearch } from './nav';
import { Sentence } from './Sentence';
import { Status } from './status';
import { Ago, Took } from './Times';
import { Trouble } from './Trouble';
import { AttemptsTab } from './task/AttemptsTab';
import { DataTab } from './task/DataTab';
import { EventsTab } from './task/EventsTab';
import { RelationsTab } from './task/RelationsTab';
import { ResultsTab } from './task/ResultsTab';
import { ShardsTab } from './task/ShardsTab';

/** One task, whole: beside the list (then it can be closed) or as a page. */
export default function TaskView({ id, close }: { id: string; close?: () => void }) {
  const found = useTask(id);
  const explanation = useExplanation(id);
  const queries = useQueryClient();
  const search = useSearchWords();
  const setSearch = useSetSearch();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['task', id] });
  if (found.error && !found.data) {
    const absent = found.error.status === 404;
    return (
      <Stack gap="sm">
        <Head id={id} {...(close ? { close } : {})} />
        <Trouble
          error={found.error}
          retry={() => void found.refetch()}
          title={absent ? 'There is no such task here' : 'The task could not be read'}
        />
      </Stack>
    );
  }
  if (!found.data)
    return (
      <div aria-busy="true" className="pad dim">
        Loading…
      </div>
    );
  const { task, exact } = found.data;
  const tab = search['tab']?.[0] ?? 'events';
  return (
    <Stack gap="sm">
      <Head id={id} task={task} {...(close ? { close } : {})} />
      <Actions task={task} explanation={explanation.data} done={refresh} />
      {explanation.data && <Explain of={explanation.data} task={task} />}
      {task.error && <Fault error={task.error} />}
      <Facts task={task} />
      <Tabs
        value={tab}
        onChange={(next) => next && setSearch((before) => ({ ...before, tab: [next] }))}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="events">Events</Tabs.Tab>
          <Tabs.Tab value="attempts">Attempts{task.attempt > 1 ? ` ${task.attempt}` : ''}</Tabs.Tab>
          <Tabs.Tab value="data">Data</Tabs.Tab>
          <Tabs.Tab value="results" disabled={!task.has_result && tab !== 'results'}>
            Results
          </Tabs.Tab>
          {task.shards && <Tabs.Tab value="shards">Shards {count(task.shards.total)}</Tabs.Tab>}
          <Tabs.Tab value="relations">Relations</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="events" pt="sm">
          <EventsTab task={task} />
        </Tabs.Panel>
        <Tabs.Panel value="attempts" pt="sm">
          <AttemptsTab id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="data" pt="sm">
          <DataTab exact={exact} />
        </Tabs.Panel>
        <Tabs.Panel value="results" pt="sm">
          <ResultsTab id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="shards" pt="sm">
          <ShardsTab task={task} />
        </Tabs.Panel>
        <Tabs.Panel value="relations" pt="sm">
          <RelationsTab task={task} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Head({ id, task, close }: { id: string; task?: Task; close?: () => void }) {
  const Title = close ? 'h2' : 'h1';
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" align="start" gap="xs">
        <Group gap="xs">
          {task && <Status state={task.state} reason={task.reason} />}
          <Title className="wrap">{task ? title(task) : 'Task'}</Title>
        </Group>
        {close && (
          <Group gap={2} wrap="nowrap">
            <Link to={taskPath(id)} className="icon-link" aria-label="Open as a page" title="Open as a page">
              <IconExternalLink size={16} />
            </Link>
            <ActionIcon variant="subtle" color="gray" size={28} aria-label="Close the task" onClick={close}>
              <IconX size={16} />
            </ActionIcon>
          </Group>
        )}
      </Group>
      <Group gap={4}>
        <Id id={id} what="task's id" long={!close} />
        <Curl command={curl('GET', apiPath(id))} label="Copy the request as curl" />
      </Group>
    </div>
  );
}

/** Why it stands where it stands and what will move it, in words. */
function Explain({ of, task }: { of: Explanation; task: Task }) {
  return (
    <div className="explain" data-state={task.state} role="status">
      <Sentence text={of.summary.replace(FORECAST, '')} />
      {task.state === 'running' && task.progress.percent > 0 && <Expected task={task} />}
      <Forecast of={of} />
    </div>
  );
}

/** What is told beside the words, with more to it. */
const FORECAST = / It will likely (start|finish) at [^.]*?, as half of \d+ tasks of its kind would have\./g;
/** When tasks like it would have begun and ended: half of them by the first time, nine of ten by the second. */
function Forecast({ of }: { of: Explanation }) {
  if (!of.likely_start && !of.likely_finish) return null;
  return (
    <dl className="forecast small">
      {of.likely_start && <Guess what="Likely start" of={of.likely_start} />}
      {of.likely_finish && <Guess what="Likely end" of={of.likely_finish} />}
    </dl>
  );
}

function Guess({ what, of }: { what: string; of: Likely }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>
        <Ago at={of.at} />, nine of ten by <Ago at={of.at_latest} always="absolute" />{' '}
        <span className="dim num">({many(of.samples, 'past task')})</span>
      </dd>
    </div>
  );
}

/** When it would end if it went on as it did so far. */
function Expected({ task }: { task: Task }) {
  const now = useNow();
  const { percent, message } = task.progress;
  const begun = task.started_at ? now - Date.parse(task.started_at) : 0;
  return (
    <div className="expected">
      <Meter task={task} />
      <span className="small dim">
        {message}
        {percent >= 2 && percent < 100 && begun > 2000 && (
          <span className="num">
            {message ? ', ' : ''}about {span((begun * (100 - percent)) / percent)} left at this pace
          </span>
        )}
      </span>
    </div>
  );
}

function Fault({ error }: { error: NonNullable<Task['error']> }) {
  const details = error.details;
  const text =
    typeof details === 'string' ? details : details == null ? null : JSON.stringify(details, null, 2);
  return (
    <section className="fault" aria-label="Error">
      <b className="wrap">{error.message ?? 'It failed and did not say why.'}</b>
      {error.category && <span className="label">{error.category}</span>}
      {text && (
        <details>
          <summary>Details</summary>
          <pre className="raw">{text.replaceAll('\\n', '\n')}</pre>
        </details>
      )}
    </section>
  );
}

function Facts({ task }: { task: Task }) {
  return (
    <dl className="facts">
      <Fact name="Kind">{task.kind || '–'}</Fact>
      <Fact name="Queue">
        <Link to={`/tasks?queue=${encodeURIComponent(task.queue)}`}>{task.queue}</Link>
      </Fact>
      {task.lease && (
        <Fact name="Held by">
          {task.lease.worker}, until <Ago at={task.lease.expires_at} />
        </Fact>
      )}
      <Fact name="Attempt">
        {task.attempt}
        {task.attempts_max > 1 && ` of ${task.attempts_max}`}
      </Fact>
      <Fact name="Created">
        <Ago at={task.created_at} />
        {task.creator && <span className="dim"> by {task.creator}</span>}
      </Fact>
      <Fact name="Waited">
        <Took from={task.queued_at} to={task.started_at} running={task.state === 'queued'} />
      </Fact>
      <Fact name="Took">
        <Took from={task.started_at} to={task.completed_at} running={task.state === 'running'} />
      </Fact>
      {task.completed_at && (
        <Fact name="Ended">
          <Ago at={task.completed_at} />
        </Fact>
      )}
      {task.priority !== 0 && <Fact name="Priority">{task.priority}</Fact>}
      {task.reported_status && <Fact name="In the sender's words">{task.reported_status}</Fact>}
      {task.external_ref && (
        <Fact name="Outside id">
          <Id id={task.external_ref} what="outside id" />
        </Fact>
      )}
      {task.job_id && (
        <Fact name="Job">
          <Link to={jobPath(task.job_id)} className="mono">
            {task.job_id}
          </Link>
        </Fact>
      )}
      {task.legal_hold && (
        <Fact name="Legal hold">
          <span className="chip chip-orange">held</span> <span className="wrap">{task.legal_hold}</span>
        </Fact>
      )}
      {task.archived_at && (
        <Fact name="Archived">
          <Ago at={task.archived_at} />
        </Fact>
      )}
      {Object.keys(task.labels).length > 0 && (
        <Fact name="Labels">
          <Labels of={task.labels} />
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const ACTIONS: TaskVerb[] = ['submit', 'retry', 'archive', 'restore', 'adopt', 'cancel'];
/** These tell a worker, or those who come later, why. */
const REASONS: Partial<Record<TaskVerb, string>> = {
  cancel: 'Why (shown to the worker and in the history)',
  hold: 'Why (shown to whoever tries to delete it)',
};

/** The verbs that the server says may be used, for whom may use them. */
function Actions({
  task,
  explanation,
  done,
}: {
  task: Task;
  explanation: Explanation | undefined;
  done: () => void;
}) {
  const mayAct = useMay('operator');
  const mayHold = useMay('admin');
  const [asked, setAsked] = useState<TaskVerb | null>(null);
  const verb = useVerb(task, done);
  if (!mayAct || !explanation) return null;
  const can = ACTIONS.filter((name) => explanation.can.includes(name));
  // What ends the task stands last.
  const last = can.indexOf('cancel');
  if (mayHold) can.splice(last < 0 ? can.length : last, 0, task.legal_hold ? 'release' : 'hold');
  // What can be taken back needs no second question.
  const gentle = (name: TaskVerb) => name === 'archive' || name === 'restore' || name === 'submit';
  return (
    <>
      <Group gap={6}>
        {can.map((name) => (
          <Button
            key={name}
            size="compact-sm"
            variant={name === 'cancel' ? 'filled' : 'default'}
            color={name === 'cancel' ? 'red.9' : 'petrol'}
            loading={verb.isPending && verb.variables.verb === name}
            onClick={() => (gentle(name) ? verb.mutate({ verb: name, body: {} }) : setAsked(name))}
          >
            {LABELS[name]}
            {gentle(name) ? '' : '…'}
          </Button>
        ))}
      </Group>
      {verb.error && <Trouble error={verb.error} title={`Not done: ${verb.variables?.verb}`} />}
      {asked && (
        <Ask
          verb={asked}
          task={task}
          close={() => setAsked(null)}
          act={(body) => {
            setAsked(null);
            verb.mutate({ verb: asked, body });
          }}
        />
      )}
    </>
  );
}

const LABELS: Record<TaskVerb, string> = {
  submit: 'Submit',
  retry: 'Retry',
  archive: 'Archive',
  restore: 'Restore',
  adopt: 'Adopt the late result',
  cancel: 'Cancel',
  hold: 'Hold',
  release: 'Lift the hold',
};

/** What a verb does to one task. */
const DOES: Record<TaskVerb, string> = {
  submit: 'It is queued.',
  retry: 'It is queued again, as a new attempt. Earlier attempts stay readable.',
  archive: 'It leaves the lists and counts, and can be restored from the archive.',
  restore: 'It comes back into the lists and counts.',
  cancel: 'A worker that holds it is asked to stop; if nobody does, it ends at once.',
  adopt:
    'A report of an end came when the attempt was over. Adopting it makes that end, and its results, the task’s own.',
  hold: 'Under a legal hold nobody deletes the task: no rule of retention, no operator, no import. All else goes on.',
  release: 'The task may be deleted again, by people and by the rules of retention.',
};

function Ask(props: {
  verb: TaskVerb;
  task: Task;
  close: () => void;
  act: (body: Record<string, unknown>) => void;
}) {
  const [reason, setReason] = useState('');
  const { verb, task } = props;
  const why = REASONS[verb];
  const body = why && reason.trim() ? { reason: reason.trim() } : {};
  return (
    <Modal
      opened
      onClose={props.close}
      title={`${LABELS[verb]}: ${title(task)}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.act(body);
        }}
      >
        <Stack gap="sm">
          <div>{DOES[verb]}</div>
          {verb === 'release' && task.legal_hold && <blockquote>{task.legal_hold}</blockquote>}
          {why && (
            <TextInput
              label={why}
              value={reason}
              maxLength={255}
              onChange={(event) => setReason(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <Group justify="space-between">
            <Curl command={curl('POST', apiPath(task.id, `/${verb}`), body)} />
            <Group gap="xs">
              <Button variant="default" onClick={props.close}>
                Leave it
              </Button>
              <Button
                type="submit"
                color={verb === 'cancel' ? 'red.9' : 'petrol'}
                disabled={verb === 'hold' && reason.trim() === ''}
              >
                {LABELS[verb]}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
