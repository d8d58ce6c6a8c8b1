import '@mantine/core/styles/Combobox.css';
import { Autocomplete, Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Retention, type RetentionIn, said } from '../../api/client';
import { useCounts } from '../../api/queries';
import { curl } from '../../lib/curl';
import { secondsOf, spanOf } from '../../lib/spans';
import { Curl } from '../Copyable';
import { Trouble } from '../Trouble';

export type Rule = Retention;

const STATES: { value: Rule['state']; label: string }[] = [
  { value: '*', label: 'in any way' },
  { value: 'succeeded', label: 'succeeded' },
  { value: 'failed', label: 'failed' },
  { value: 'cancelled', label: 'cancelled' },
];
const SPAN = 'Write a time such as 12h, 30d or 8w, or never.';

function shown(said: Rule['delete_after_seconds'] | undefined): string {
  if (said === null || said === undefined) return '';
  return said === 'never' ? said : spanOf(said);
}

/** What was typed as the API wants it; undefined: it is no time. */
function read(typed: string): Rule['delete_after_seconds'] | undefined {
  const text = typed.trim().toLowerCase();
  if (text === '') return null;
  if (text === 'never') return 'never';
  return secondsOf(text) ?? undefined;
}

/** A rule to make, or one to change: then what it is about stays. */
export function RuleForm({ rule, rules, close }: { rule: Rule | null; rules: Rule[]; close: () => void }) {
  const queries = useQueryClient();
  const kinds = useCounts('kind');
  const [kind, setKind] = useState(rule && rule.kind !== '*' ? rule.kind : '');
  const [state, setState] = useState<Rule['state']>(rule?.state ?? '*');
  const [archive, setArchive] = useState(shown(rule?.archive_after_seconds));
  const [remove, setRemove] = useState(shown(rule?.delete_after_seconds));
  const [hold, setHold] = useState(rule?.legal_hold ?? '');
  const times = { archive: read(archive), remove: read(remove) };
  const body: RetentionIn = {
    kind: kind.trim() || '*',
    state,
    archive_after_seconds: times.archive ?? null,
    delete_after_seconds: times.remove ?? null,
    legal_hold: hold.trim() || null,
  };
  const there = rule === null && rules.some((r) => r.kind === body.kind && r.state === state);
  const set = useMutation({
    mutationFn: () => said(api.PUT('/v1/retention', { body })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['retention'] });
      close();
    },
  });
  return (
    <Modal
      opened
      onClose={close}
      title={rule ? 'Change a rule of retention' : 'New rule of retention'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          set.mutate();
        }}
      >
        <Stack gap="sm">
          <Group grow align="start">
            <Autocomplete
              label="Kind"
              placeholder="any"
              disabled={rule !== null}
              value={kind}
              data={Object.keys(kinds.data?.counts ?? {}).filter((name) => name !== '')}
              onChange={setKind}
            />
            <NativeSelect
              label="Ended"
              disabled={rule !== null}
              value={state}
              data={STATES}
              onChange={(event) => setState(event.currentTarget.value as Rule['state'])}
            />
          </Group>
          <Group grow align="start">
            <TextInput
              label="Archive after"
              placeholder="as wider rules say"
              value={archive}
              error={times.archive === undefined && SPAN}
              onChange={(event) => setArchive(event.currentTarget.value)}
            />
            <TextInput
              label="Delete after"
              placeholder="as wider rules say"
              value={remove}
              error={times.remove === undefined && SPAN}
              onChange={(event) => setRemove(event.currentTarget.value)}
            />
          </Group>
          <p className="dim small">
            Counted from the last change of a task. What is deleted is gone for good, with its results and
            events.
          </p>
          <TextInput
            label="Legal hold: why nobody may delete these tasks"
            placeholder="none"
            value={hold}
            maxLength={255}
            onChange={(event) => setHold(event.currentTarget.value)}
          />
          {there && <div className="small">There is such a rule already; this one takes its place.</div>}
          {set.error && <Trouble error={set.error} />}
          <Group justify="space-between">
            <Curl command={curl('PUT', '/v1/retention', body)} />
            <Group gap="xs">
              <Button variant="default" onClick={close}>
                Leave it
              </Button>
              <Button
                type="submit"
                loading={set.isPending}
                disabled={times.archive === undefined || times.remove === undefined}
              >
                {rule ? 'Change the rule' : 'Set the rule'}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
