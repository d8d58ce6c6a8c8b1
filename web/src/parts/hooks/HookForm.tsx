import '@mantine/core/styles/Combobox.css';
import '@mantine/core/styles/Pill.css';
import '@mantine/core/styles/PillsInput.css';
import {
  Button,
  Group,
  Modal,
  NativeSelect,
  PasswordInput,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Hook, type HookFilter, said } from '../../api/client';
import { useCounts } from '../../api/queries';
import { ifMatch } from '../../api/versions';
import { Trouble } from '../Trouble';

export type On = NonNullable<HookFilter['on']>;
export const ON: { value: On; label: string }[] = [
  { value: 'state', label: 'every change of state' },
  { value: 'end', label: 'every end' },
  { value: 'all', label: 'everything' },
];

/** Changes a hook; refused if somebody else changed it since it was read. */
export function HookForm({ hook, close, changed }: { hook: Hook; close: () => void; changed: () => void }) {
  const kinds = useCounts('kind');
  const queues = useCounts('queue');
  const [url, setUrl] = useState(hook.url);
  const [name, setName] = useState(hook.name ?? '');
  const [format, setFormat] = useState(hook.format);
  const [token, setToken] = useState('');
  const [filter, setFilter] = useState(hook.filter);
  const [labels, setLabels] = useState(() =>
    Object.entries(hook.filter.labels ?? {}).map(([key, value]) => `${key}=${value}`),
  );
  const wrong = labels.filter((label) => !/^[^=]+=/.test(label));
  const change = useMutation({
    mutationFn: () =>
      said(
        api.PATCH('/v1/hooks/{hook_id}', {
          params: { path: { hook_id: hook.id }, header: ifMatch(hook) },
          body: {
            url: url.trim(),
            name: name.trim() || null,
            format,
            filter: { ...filter, labels: pairs(labels) },
            ...(token ? { token } : {}),
          },
        }),
      ),
    onSuccess: () => {
      changed();
      close();
    },
    onError: changed,
  });
  const several = (key: 'kinds' | 'queues' | 'jobs' | 'types' | 'tasks') => ({
    value: filter[key] ?? [],
    onChange: (values: string[]) => setFilter({ ...filter, [key]: values }),
    placeholder: (filter[key] ?? []).length === 0 ? 'any' : '',
    clearable: false,
  });
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={`Change ${hook.name ?? hook.url}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput label="Tell" value={url} onChange={(e) => setUrl(e.currentTarget.value)} />
          <Group grow align="start">
            <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} />
            <NativeSelect
              label="Of"
              value={filter.on ?? 'all'}
              data={ON}
              onChange={(e) => setFilter({ ...filter, on: e.currentTarget.value as On })}
            />
          </Group>
          <Group grow align="start">
            <TagsInput label="Kinds" data={Object.keys(kinds.data?.counts ?? {})} {...several('kinds')} />
            <TagsInput label="Queues" data={Object.keys(queues.data?.counts ?? {})} {...several('queues')} />
          </Group>
          <Group grow align="start">
            <TagsInput
              label="Labels"
              value={labels}
              onChange={setLabels}
              placeholder={labels.length === 0 ? 'any; else team=vision' : ''}
              error={wrong.length > 0 && `Write a label as key=value: ${wrong.join(', ')}`}
            />
            <TagsInput label="Jobs" {...several('jobs')} />
          </Group>
          <Group grow align="start">
            <NativeSelect
              label="As"
              value={format}
              data={[
                { value: 'json', label: 'plain JSON' },
                { value: 'cloudevents', label: 'CloudEvents' },
              ]}
              onChange={(e) => setFormat(e.currentTarget.value as Hook['format'])}
            />
            <PasswordInput
              label="Bearer token to send along"
              placeholder={hook.has_token ? 'as it is' : 'none'}
              value={token}
              autoComplete="off"
              visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
              onChange={(e) => setToken(e.currentTarget.value)}
            />
          </Group>
          {change.error && <Trouble error={change.error} />}
          <Group justify="end" gap="xs">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button type="submit" loading={change.isPending} disabled={wrong.length > 0 || url.trim() === ''}>
              Change the hook
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function pairs(labels: string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map((label) => {
      const cut = label.indexOf('=');
      return [label.slice(0, cut), label.slice(cut + 1)];
    }),
  );
}
