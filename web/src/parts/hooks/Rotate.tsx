import { Button, Group, Modal, NativeSelect, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Hook, said } from '../../api/client';
import { Reveal } from '../Reveal';
import { Trouble } from '../Trouble';

const OVERLAPS = [
  { value: '86400', label: 'for a day' },
  { value: '3600', label: 'for an hour' },
  { value: '604800', label: 'for a week' },
  { value: '0', label: 'no longer' },
];

/** Gives a hook another secret, and shows it this once. */
export function Rotate({ hook, close, changed }: { hook: Hook; close: () => void; changed: () => void }) {
  const [keep, setKeep] = useState('86400');
  const rotate = useMutation({
    mutationFn: () =>
      said(
        api.POST('/v1/hooks/{hook_id}/rotate', {
          params: { path: { hook_id: hook.id } },
          body: { keep_seconds: Number(keep) },
        }),
      ),
    onSuccess: changed,
  });
  return (
    <Modal
      opened
      onClose={close}
      // A click beside it must not lose what is shown once.
      closeOnClickOutside={!rotate.data}
      title={`New secret for ${hook.name ?? hook.url}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {rotate.data ? (
        <Stack gap="sm">
          <Reveal what="The new secret" secret={rotate.data.secret} />
          <Group justify="end">
            <Button onClick={close}>I have it</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Stack gap="sm">
            <div>
              Deliveries are signed with the new secret at once. While the old one signs too, the receiver has
              time to learn the new one.
            </div>
            <NativeSelect
              label="The old secret signs"
              value={keep}
              data={OVERLAPS}
              onChange={(event) => setKeep(event.currentTarget.value)}
            />
            {rotate.error && <Trouble error={rotate.error} />}
            <Group justify="end" gap="xs">
              <Button variant="default" onClick={close}>
                Leave it
              </Button>
              <Button type="submit" loading={rotate.isPending}>
                Make a new secret
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
