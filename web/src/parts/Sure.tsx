import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Trouble } from './Trouble';

/** Asks before something that cannot be undone; with `type`, that must be typed. */
export function Sure(props: {
  title: string;
  children: ReactNode;
  act: string;
  type?: string;
  pending: boolean;
  error: Error | null;
  close: () => void;
  onSure: () => void;
}) {
  const [typed, setTyped] = useState('');
  return (
    <Modal opened onClose={props.close} title={props.title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onSure();
        }}
      >
        <Stack gap="sm">
          <div>{props.children}</div>
          {props.type !== undefined && (
            <TextInput
              label={`Type ${props.type} to go on`}
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          {props.error && <Trouble error={props.error} />}
          <Group justify="end" gap="xs">
            <Button variant="default" onClick={props.close}>
              Leave it
            </Button>
            <Button
              type="submit"
              color="red.9"
              loading={props.pending}
              disabled={props.type !== undefined && typed !== props.type}
            >
              {props.act}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
