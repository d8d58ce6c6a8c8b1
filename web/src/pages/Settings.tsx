import {
  Button,
  Group,
  PasswordInput,
  SegmentedControl,
  Stack,
  Switch,
  useMantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api } from '../api/client';
import { useMay, useSession } from '../api/session';
import { type Settings as All, useSetting } from '../lib/settings';
import { zoneName } from '../lib/time';
import { Retention } from '../parts/settings/Retention';
import { Trouble } from '../parts/Trouble';

/** What one prefers in this browser, one's password, and which server this is. */
export default function Settings() {
  const { me, about } = useSession();
  const isAdmin = useMay('admin');
  const ready = useQuery({ queryKey: ['ready'], queryFn: () => api.GET('/readyz'), refetchInterval: 15_000 });
  return (
    <div className="page narrow">
      <h1>Settings</h1>
      <section className="panel pad" aria-labelledby="here">
        <h2 id="here">In this browser</h2>
        <Stack gap="sm" mt="xs">
          <Colours />
          <Choice
            name="zone"
            label="Times are in"
            data={[
              { value: 'local', label: `here (${zoneName('local')})` },
              { value: 'UTC', label: 'UTC' },
            ]}
          />
          <Choice
            name="times"
            label="Lists say"
            data={[
              { value: 'relative', label: 'how long ago' },
              { value: 'absolute', label: 'when' },
            ]}
          />
          <Choice
            name="density"
            label="Rows are"
            data={[
              { value: 'normal', label: 'normal' },
              { value: 'compact', label: 'compact' },
            ]}
          />
          <Shortcuts />
        </Stack>
      </section>
      {isAdmin && <Retention />}
      {me?.user?.has_password && <Password />}
      <section className="panel pad" aria-labelledby="server">
        <h2 id="server">This server</h2>
        <dl className="facts">
          <div>
            <dt>Farwork</dt>
            <dd>{about?.version}</dd>
          </div>
          <div>
            <dt>Standing</dt>
            <dd>{ready.error ? <span className="error-text">{ready.error.message}</span> : 'ready'}</dd>
          </div>
          <div>
            <dt>Signed in as</dt>
            <dd>
              {me?.name}, {me?.role} of {me?.project}
            </dd>
          </div>
          <div>
            <dt>Authentication</dt>
            <dd>{about?.auth === 'off' ? 'off: everybody on this machine is admin' : 'on'}</dd>
          </div>
          <div>
            <dt>API</dt>
            <dd>
              <a href="docs">description</a>, <a href="openapi.json">openapi.json</a>
            </dd>
          </div>
        </dl>
      </section>
    </div>
  );
}

function Choice<K extends 'zone' | 'times' | 'density'>(props: {
  name: K;
  label: string;
  data: { value: All[K]; label: string }[];
}) {
  const [value, set] = useSetting(props.name);
  return (
    <Group gap="sm" justify="space-between">
      <span>{props.label}</span>
      <SegmentedControl
        size="xs"
        aria-label={props.label}
        value={value}
        data={props.data}
        onChange={(next) => set(next as All[K])}
      />
    </Group>
  );
}

function Colours() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Group gap="sm" justify="space-between">
      <span>Colours are</span>
      <SegmentedControl
        size="xs"
        aria-label="Colours are"
        value={colorScheme}
        onChange={(next) => setColorScheme(next as 'auto' | 'light' | 'dark')}
        data={[
          { value: 'auto', label: "the system's" },
          { value: 'light', label: 'light' },
          { value: 'dark', label: 'dark' },
        ]}
      />
    </Group>
  );
}

function Shortcuts() {
  const [on, set] = useSetting('shortcuts');
  return (
    <Group justify="space-between">
      <span id="shortcuts">Single keys do something (? lists them)</span>
      <Switch
        aria-labelledby="shortcuts"
        checked={on}
        onChange={(event) => set(event.currentTarget.checked)}
      />
    </Group>
  );
}

function Password() {
  const [present, setPresent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation({
    mutationFn: () => api.POST('/v1/me/password', { body: { present, new: next } }),
    onSuccess: () => {
      setPresent('');
      setNext('');
      notifications.show({ message: 'The password was changed; other sessions have ended', color: 'petrol' });
    },
  });
  return (
    <section className="panel pad" aria-labelledby="password">
      <h2 id="password">Your password</h2>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Group align="end" gap="xs" mt="xs">
          <PasswordInput
            label="Present"
            w={200}
            value={present}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the present password' }}
            onChange={(event) => setPresent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New"
            w={200}
            value={next}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the new password' }}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <Button type="submit" loading={change.isPending} disabled={!present || !next}>
            Change it
          </Button>
        </Group>
      </form>
      {change.error && <Trouble error={change.error} />}
    </section>
  );
}
