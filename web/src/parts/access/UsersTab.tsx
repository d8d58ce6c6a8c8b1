import { Button, Group, PasswordInput, TextInput } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, said } from '../../api/client';
import type { Role } from '../../lib/words';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';
import { RoleChoice } from './RoleChoice';

export function UsersTab() {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['users'] });
  const users = useInfiniteQuery({
    queryKey: ['users'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/users', {
          params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
  const change = useMutation({
    mutationFn: ({ name, body }: { name: string; body: { disabled?: boolean; role?: Role } }) =>
      said(api.PATCH('/v1/users/{user_name}', { params: { path: { user_name: name } }, body })),
    onSettled: refresh,
  });
  const items = users.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Make done={refresh} />
      {users.error && <Trouble error={users.error} retry={() => void users.refetch()} />}
      {change.error && <Trouble error={change.error} />}
      {users.data && items.length === 0 && (
        <div className="panel empty">
          <h2>There are no users</h2>
          <p className="dim">Users sign in with a name and a password; programs use API keys.</p>
        </div>
      )}
      {items.length > 0 && (
        <div className="panel scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Role</th>
                <th>Made</th>
                <th>Last signed in</th>
                <th>Standing</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((user) => (
                <tr key={user.name}>
                  <td>
                    {user.name}
                    {user.full_name && <span className="dim"> {user.full_name}</span>}
                  </td>
                  <td>{user.role}</td>
                  <td>
                    <Ago at={user.created_at} />
                  </td>
                  <td>
                    <Ago at={user.last_login_at} />
                  </td>
                  <td>{user.disabled_at ? <span className="dim">shut out</span> : 'good'}</td>
                  <td className="right">
                    <Button
                      size="compact-sm"
                      variant="default"
                      loading={change.isPending && change.variables.name === user.name}
                      onClick={() =>
                        change.mutate({ name: user.name, body: { disabled: user.disabled_at === null } })
                      }
                    >
                      {user.disabled_at ? 'Let in again' : 'Shut out'}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {users.hasNextPage && (
            <Button m="xs" size="compact-sm" variant="default" onClick={() => void users.fetchNextPage()}>
              More users
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function Make({ done }: { done: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const make = useMutation({
    mutationFn: () => said(api.POST('/v1/users', { body: { name: name.trim(), role, password } })),
    onSuccess: () => {
      setName('');
      setPassword('');
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
            label="New user"
            placeholder="ada"
            value={name}
            autoComplete="off"
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <RoleChoice value={role} onChange={setRole} />
          <PasswordInput
            label="First password"
            w={220}
            value={password}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={make.isPending} disabled={name.trim() === '' || password === ''}>
            Make the user
          </Button>
        </Group>
      </form>
      {make.error && <Trouble error={make.error} />}
    </div>
  );
}
