import { Stack } from '@mantine/core';
import type { Json } from '../../lib/json';
import { JsonView } from '../JsonView';

/** What the task was given, and what others noted on it. */
export function DataTab({ exact }: { exact: Map<string, Json> }) {
  const extensions = exact.get('extensions');
  return (
    <Stack gap="md">
      <JsonView value={exact.get('params') ?? null} label="Params" />
      <JsonView value={exact.get('metadata') ?? null} label="Metadata" />
      {extensions instanceof Map && extensions.size > 0 && <JsonView value={extensions} label="Extensions" />}
    </Stack>
  );
}
