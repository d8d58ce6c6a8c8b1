import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, base, type Key, once, said } from '../../api/client';
import type { Role } from '../../lib/words';
import { Id } from '../Copyable';
import { Reveal } from '../Reveal';
import { Sure } from '../Sure';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';
import { RoleChoice } from './RoleChoice';

const DAY_MS = 86_400_000;
const LIVES = [
  { value: '', label: 'until revoked' },
  { value: '1', label: '1 day' },
  { value: '30', label: '30 days' },
  { value: '365', label: '1 year' },
];

export function KeysTab() {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['keys'] });
  const [leaving, setLeaving] = useState<Key | null>(null);
  const keys = useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => said(api.GET('/v1/keys', { signal })),
  });
  const revoke = useMutation({
    mutationFn: (id: string) => api.DELETE('/v1/keys/{key_id}', { params: { path: { key_id: id } } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  return (
    <>
      <Make done={refresh} />
      {keys.error && <Trouble error={keys.error} retry={() => void keys.refetch()} />}
      <div className="panel scroll" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Id</th>
              <th>Role</th>
              <th>Made</th>
              <th>Expires</th>
              <th>Standing</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {(keys.data?.items ?? []).toReversed().map((key) => (
              <tr key={key.id}>
                <td>{key.name ?? <span className="dim">no name</span>}</td>
                <td>
                  <Id id={key.id} what="key's id" />
                </td>
                <td>{key.role}</td>
                <td>
                  <Ago at={key.created_at} />
                </td>
                <td>
                  <Ago at={key.expires_at} />
                </td>
                <td>{standing(key)}</td>
                <td className="right">
                  {!key.revoked_at && (
                    <Button size="compact-sm" variant="default" onClick={() => setLeaving(key)}>
                      Revoke…
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {leaving && (
        <Sure
          title={`Revoke the key ${leaving.name ?? leaving.id}`}
          act="Revoke"
          type={leaving.name ?? leaving.id}
          pending={revoke.isPending}
          error={revoke.error}
          close={() => setLeaving(null)}
          onSure={() => revoke.mutate(leaving.id)}
        >
          Whatever uses it is refused at once. This cannot be undone.
        </Sure>
      )}
    </>
  );
}

function standing(key: Key) {
  if (key.revoked_at) {
    return (
      <span className="dim">
        revoked <Ago at={key.revoked_at} />
      </span>
    );
  }
  return key.expires_at && Date.parse(key.expires_at) < Date.now() ? (
    <span className="dim">expired</span>
  ) : (
    'good'
  );
}

function Make({ done }: { done: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('worker');
  const [days, setDays] = useState('');
  const make = useMutation({
    mutationFn: () =>
      said(
        api.POST('/v1/keys', {
          params: { header: once() },
          body: {
            role,
            name: name.trim() || null,
            ...(days ? { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() } : {}),
          },
        }),
      ),
    onSuccess: () => {
      setName('');
      done();
    },
  });
  return (
    <div className="panel pad">
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Group align="end" gap="xs">
          <TextInput
            label="New key for"
            placeholder="gpu-7"
            value={name}
            maxLength={255}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <RoleChoice value={role} onChange={setRole} />
          <NativeSelect
            label="Good for"
            value={days}
            data={LIVES}
            onChange={(event) => setDays(event.currentTarget.value)}
          />
          <Button type="submit" loading={make.isPending} disabled={name.trim() === ''}>
            Make the key
          </Button>
        </Group>
      </form>
      {make.error && <Trouble error={make.error} />}
      {make.data?.key && (
        <Reveal
          what={`The key ${make.data.name ?? ''}`}
          secret={make.data.key}
          use={`export FARWORK_KEY=${make.data.key}\ncurl -sS -H "Authorization: Bearer $FARWORK_KEY" '${base}/v1/counts'`}
        />
      )}
    </div>
  );
}
