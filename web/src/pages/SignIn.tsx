import { Button, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Problem } from '../api/client';
import { useSession } from '../api/session';
import { Command } from '../parts/Copyable';
import { Trouble } from '../parts/Trouble';

/** Asks for an API key; the address stays, and is gone on with afterwards. */
export default function SignIn() {
  const { signIn } = useSession();
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(key.trim());
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
            <Text size="sm" c="dimmed">
              With an API key. It is held for this tab only, until you close it.
            </Text>
          </div>
          <PasswordInput
            label="API key"
            placeholder="fw_…"
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            autoComplete="off"
            autoFocus
            required
            spellCheck={false}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
          />
          {error && (
            <Trouble
              error={error}
              title={error.status === 401 ? 'That key does not open' : 'Could not sign in'}
            />
          )}
          <Button type="submit" loading={busy} disabled={key.trim() === ''}>
            Sign in
          </Button>
          <details className="more">
            <summary>Where do I get a key?</summary>
            <Text size="sm" c="dimmed" my={6}>
              The server printed an admin key when it was started for the first time. Whoever runs it can make
              another:
            </Text>
            <Command>farwork keys create --role operator --name me</Command>
          </details>
        </Stack>
      </form>
    </main>
  );
}
