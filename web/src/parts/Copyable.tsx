import { ActionIcon, Tooltip } from '@mantine/core';
import { IconCopy, IconTerminal2 } from '@tabler/icons-react';
import { copy } from '../lib/copy';
import { brief } from '../lib/words';

/** An id that one click copies. */
export function Id({ id, what = 'id', long }: { id: string; what?: string; long?: boolean }) {
  return (
    <span className="id">
      <span className="mono" title={id}>
        {long ? id : brief(id)}
      </span>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={24}
        aria-label={`Copy ${what}`}
        onClick={() => void copy(id, `Copied the ${what}`)}
      >
        <IconCopy size={13} />
      </ActionIcon>
    </span>
  );
}

/** A button that copies the command which does the same. */
export function Curl({ command, label = 'Copy as curl' }: { command: string; label?: string }) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={26}
        aria-label={label}
        onClick={() => void copy(command, 'Copied the command')}
      >
        <IconTerminal2 size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

/** A command to read and to copy. */
export function Command({ children }: { children: string }) {
  return (
    <div className="command">
      <pre tabIndex={0}>{children}</pre>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={26}
        aria-label="Copy the command"
        onClick={() => void copy(children, 'Copied the command')}
      >
        <IconCopy size={14} />
      </ActionIcon>
    </div>
  );
}
