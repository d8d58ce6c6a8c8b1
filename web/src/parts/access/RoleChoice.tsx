import { NativeSelect } from '@mantine/core';
import type { Role } from '../../lib/words';

const ROLES: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'viewer: reads' },
  { value: 'worker', label: 'worker: and claims, reports' },
  { value: 'operator', label: 'operator: and submits, cancels, deletes' },
  { value: 'admin', label: 'admin: and lets others in' },
];

export function RoleChoice({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  return (
    <NativeSelect
      label="Role"
      value={value}
      data={ROLES}
      onChange={(event) => onChange(event.currentTarget.value as Role)}
    />
  );
}
