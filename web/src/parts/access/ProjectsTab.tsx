import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, once, type Project, said } from '../../api/client';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';

type Policy = Project['unknown_tasks'];
const POLICIES: { value: Policy; label: string }[] = [
  { value: 'register', label: 'makes the task' },
  { value: 'reject', label: 'is refused' },
];

export function ProjectsTab() {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['projects'] });
  const [id, setId] = useState('');
  const projects = useQuery({
    queryKey: ['projects'],
    queryFn: ({ signal }) => said(api.GET('/v1/projects', { signal })),
  });
  const make = useMutation({
    mutationFn: () => said(api.POST('/v1/projects', { body: { id: id.trim() }, params: { header: once() } })),
    onSuccess: () => {
      setId('');
      refresh();
    },
  });
  const change = useMutation({
    mutationFn: ({ project, policy }: { project: string; policy: Policy }) =>
      said(
        api.PATCH('/v1/projects/{project_id}', {
          params: { path: { project_id: project } },
          body: { unknown_tasks: policy },
        }),
      ),
    onSettled: refresh,
  });
  return (
    <>
      <div className="panel pad">
        <form
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Group align="end" gap="xs">
            <TextInput
              label="New project"
              placeholder="vision"
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
            />
            <Button type="submit" loading={make.isPending} disabled={id.trim() === ''}>
              Make the project
            </Button>
          </Group>
        </form>
        {make.error && <Trouble error={make.error} />}
      </div>
      {projects.error && <Trouble error={projects.error} retry={() => void projects.refetch()} />}
      {change.error && <Trouble error={change.error} />}
      <div className="panel scroll" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th>Project</th>
              <th>Made</th>
              <th>A report about an unknown task</th>
            </tr>
          </thead>
          <tbody>
            {projects.data?.items.map((project) => (
              <tr key={project.id}>
                <td>{project.id}</td>
                <td>
                  <Ago at={project.created_at} />
                </td>
                <td>
                  <NativeSelect
                    aria-label={`A report about an unknown task of ${project.id}`}
                    size="xs"
                    w={180}
                    value={project.unknown_tasks}
                    data={POLICIES}
                    onChange={(event) =>
                      change.mutate({ project: project.id, policy: event.currentTarget.value as Policy })
                    }
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
