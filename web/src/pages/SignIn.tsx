import { Button, PasswordInput, SegmentedControl, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Problem } from '../api/client';
import { useSession } from '../api/session';
import { Command } from '../parts/Copyable';
import { Trouble } from '../parts/Trouble';

type Way = 'password' | 'key';

/** Asks who is there; the address stays, and is gone on with afterwards. */
export default function SignIn() {
  const { signIn } = useSession();
  const [way, setWay] = useState<Way>('key');
  const [name, setName] = useState('');
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const ready = secret.trim() !== '' && (way === 'key' || name.trim() !== '');

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(way === 'key' ? { key: secret.trim() } : { name: name.trim(), password: secret });
    } catch (failure) {
      setError(failure instanceof Problem ? failure : new Problem(0, 'unexpected', String(failure)));
      setBusy(false);
    }
  }

  return (
    <main className="door">
      <form className="panel door-card" onSubmit={(event) => void submit(event)}>
        <Stack gap="md">
          <div>
            <img src="icon.svg" alt="" width={36} height={36} />
            <Title order={1} size="h3" mt="xs">
              Sign in to Farwork
            </Title>
          </div>
          <SegmentedControl
            aria-label="How to sign in"
            fullWidth
            value={way}
            onChange={(next) => {
              setWay(next as Way);
              setSecret('');
              setError(null);
            }}
            data={[
              { value: 'key', label: 'API key' },
              { value: 'password', label: 'Name and password' },
            ]}
          />
          {way === 'password' && (
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="username"
              required
              withAsterisk={false}
            />
          )}
          <PasswordInput
            label={way === 'key' ? 'API key' : 'Password'}
            placeholder={way === 'key' ? 'fw_…' : ''}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            autoComplete={way === 'key' ? 'off' : 'current-password'}
            required
            withAsterisk={false}
            spellCheck={false}
            visibilityToggleButtonProps={{
              'aria-label': way === 'key' ? 'Show the key' : 'Show the password',
            }}
          />
          {error && (
            <Trouble error={error} title={error.status === 401 ? 'That does not open' : 'Not signed in'} />
          )}
          <Button type="submit" loading={busy} disabled={!ready}>
            Sign in
          </Button>
          <Text size="sm" c="dimmed">
            {way === 'key'
              ? 'The key is exchanged for a cookie and not kept. The server printed an admin key when it first started; whoever runs it can make another:'
              : 'Whoever runs the server makes users:'}
          </Text>
          <Command>
            {way === 'key'
              ? 'farwork keys create --role operator --name me'
              : 'farwork users create ada --role operator'}
          </Command>
        </Stack>
      </form>
    </main>
  );
}
