import { Button, Group, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, type Source, said } from '../api/client';
import { inPath } from '../lib/words';
import { Id } from '../parts/Copyable';
import { Link } from '../parts/Link';
import { Reveal } from '../parts/Reveal';
import { Sure } from '../parts/Sure';
import { Ago } from '../parts/Times';
import { Trouble } from '../parts/Trouble';

/** Senders of signed webhooks. */
export default function Sources() {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['sources'] });
  const [name, setName] = useState('');
  const [leaving, setLeaving] = useState<Source | null>(null);
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => said(api.GET('/v1/sources', { params: { query: { limit: 200 } }, signal })),
  });
  const make = useMutation({
    mutationFn: () => said(api.POST('/v1/sources', { body: { name: name.trim() } })),
    onSuccess: () => {
      setName('');
      refresh();
    },
  });
  const revoke = useMutation({
    mutationFn: (id: string) =>
      api.DELETE('/v1/sources/{source_id}', { params: { path: { source_id: id } } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = sources.data?.items ?? [];
  return (
    <div className="page">
      <h1>Sources</h1>
      <div className="panel pad">
        <p className="dim small intro">
          Systems that send signed webhooks, as Standard Webhooks, GitHub’s or of their own. The name is what
          the history calls the sender; on its page stands how its bodies are read.
        </p>
        <form
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Group align="end" gap="xs">
            <TextInput
              label="Register a sender"
              placeholder="gpu-platform"
              value={name}
              maxLength={100}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Button type="submit" loading={make.isPending} disabled={name.trim() === ''}>
              Register
            </Button>
          </Group>
        </form>
        {make.error && <Trouble error={make.error} />}
        {make.data && <Reveal what={`The secret of ${make.data.name}`} secret={make.data.secret} />}
      </div>
      {sources.error && <Trouble error={sources.error} retry={() => void sources.refetch()} />}
      {sources.data && items.length === 0 && (
        <div className="panel empty">
          <h2>No sender is registered</h2>
          <p className="dim">Reports with an API key need none; signed webhooks do.</p>
        </div>
      )}
      {items.length > 0 && (
        <div className="panel scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Id</th>
                <th>Registered</th>
                <th>Standing</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((source) => (
                <tr key={source.id}>
                  <td>
                    <Link to={`/sources/${inPath(source.id)}`}>{source.name}</Link>
                  </td>
                  <td>
                    <Id id={source.id} />
                  </td>
                  <td>
                    <Ago at={source.created_at} />
                  </td>
                  <td>
                    {source.revoked_at ? (
                      <span className="dim">
                        revoked <Ago at={source.revoked_at} />
                      </span>
                    ) : (
                      'good'
                    )}
                  </td>
                  <td className="right">
                    {!source.revoked_at && (
                      <Button size="compact-sm" variant="default" onClick={() => setLeaving(source)}>
                        Revoke…
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {leaving && (
        <Sure
          title={`Revoke ${leaving.name}`}
          act="Revoke"
          type={leaving.name}
          pending={revoke.isPending}
          error={revoke.error}
          close={() => setLeaving(null)}
          onSure={() => revoke.mutate(leaving.id)}
        >
          What it signs is refused from then on. What it has said stays.
        </Sure>
      )}
    </div>
  );
}
