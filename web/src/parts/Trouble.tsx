import { Alert, Button, Group } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Problem } from '../api/client';

/** What went wrong, where it happened, and a way to try again. */
export function Trouble({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const problem = error instanceof Problem ? error : new Problem(0, 'unexpected', String(error));
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle size={16} />}
      title={title ?? 'This did not work'}
    >
      <div>{problem.message}</div>
      {problem.errors.length > 0 && (
        <ul className="faults">
          {problem.errors.map((fault) => (
            <li key={`${fault.pointer}${fault.detail}`}>
              <span className="mono">{fault.pointer || 'body'}</span> {fault.detail}
            </li>
          ))}
        </ul>
      )}
      <Group gap="sm" mt={6}>
        {retry && (
          <Button size="compact-sm" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        <span className="dim small mono">
          {problem.status > 0 ? `${problem.status} ${problem.code}` : problem.code}
        </span>
      </Group>
    </Alert>
  );
}
