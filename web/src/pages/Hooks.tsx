import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, said } from '../api/client';
import { useMay } from '../api/session';
import { inPath } from '../lib/words';
import { ON, type On } from '../parts/hooks/HookForm';
import { Link } from '../parts/Link';
import { Reveal } from '../parts/Reveal';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

/** Who is told of what happens, by signed webhooks. */
export default function Hooks() {
  const queries = useQueryClient();
  const isAdmin = useMay('admin');
  const hooks = useQuery({
    queryKey: ['hooks'],
    queryFn: ({ signal }) => said(api.GET('/v1/hooks', { params: { query: { limit: 200 } }, signal })),
    refetchInterval: 15_000,
  });
  return (
    <div className="page">
      <h1>Hooks</h1>
      {isAdmin && <Make done={() => void queries.invalidateQueries({ queryKey: ['hooks'] })} />}
      {hooks.error && <Trouble error={hooks.error} retry={() => void hooks.refetch()} />}
      {hooks.data?.items.length === 0 && (
        <div className="panel empty">
          <h2>Nobody is told of anything yet</h2>
          <p className="dim">
            A hook sends each event that its filter means to an address, signed and in order.
          </p>
        </div>
      )}
      {(hooks.data?.items.length ?? 0) > 0 && (
        <div className="panel scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Hook</th>
                <th>State</th>
                <th>Endpoint</th>
                <th>Last error</th>
                <th>Made</th>
              </tr>
            </thead>
            <tbody>
              {hooks.data?.items.map((hook) => (
                <tr key={hook.id}>
                  <td>
                    <div className="two">
                      <Link to={`/hooks/${inPath(hook.id)}`}>{hook.name ?? hook.url}</Link>
                      {hook.name && <span className="mono">{hook.url}</span>}
                    </div>
                  </td>
                  <td>
                    <span className={`chip chip-${hook.state === 'active' ? 'green' : 'gray'}`}>
                      {hook.state}
                    </span>
                    {hook.reason && <span className="dim small"> {hook.reason}</span>}
                  </td>
                  <td>
                    {hook.circuit.state === 'open' ? (
                      <span className="chip chip-red">
                        fails, tried again <Ago at={hook.circuit.next_try_at} />
                      </span>
                    ) : (
                      'fine'
                    )}
                  </td>
                  <td className="wrap error-text">{hook.circuit.last_error}</td>
                  <td>
                    <Ago at={hook.created_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function Make({ done }: { done: () => void }) {
  const [url, setUrl] = useState('');
  const [name, setName] = useState('');
  const [on, setOn] = useState<On>('state');
  const make = useMutation({
    mutationFn: () =>
      said(api.POST('/v1/hooks', { body: { url, name: name.trim() || null, filter: { on } } })),
    onSuccess: () => {
      setUrl('');
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
            label="Tell"
            placeholder="https://…"
            w={320}
            value={url}
            onChange={(e) => setUrl(e.currentTarget.value)}
          />
          <TextInput
            label="Name"
            placeholder="pager"
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <NativeSelect
            label="Of"
            value={on}
            onChange={(event) => setOn(event.currentTarget.value as On)}
            data={ON}
          />
          <Button type="submit" loading={make.isPending} disabled={url.trim() === ''}>
            Make the hook
          </Button>
        </Group>
      </form>
      {make.error && <Trouble error={make.error} />}
      {make.data && <Reveal what="The secret that deliveries are signed with" secret={make.data.secret} />}
    </div>
  );
}
