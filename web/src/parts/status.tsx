import {
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleDotted,
  IconCircleX,
  IconLock,
  IconPlayerPlay,
} from '@tabler/icons-react';
import type { TaskState } from '../api/client';

interface Look {
  color: string;
  label: string;
  Icon: typeof IconBan;
}

/** One word, one icon and one colour for each state, everywhere. */
export const LOOKS: Record<TaskState, Look> = {
  created: { color: 'gray', label: 'Created', Icon: IconCircleDotted },
  blocked: { color: 'yellow', label: 'Blocked', Icon: IconLock },
  queued: { color: 'gray', label: 'Queued', Icon: IconCircleDashed },
  running: { color: 'blue', label: 'Running', Icon: IconPlayerPlay },
  succeeded: { color: 'green', label: 'Succeeded', Icon: IconCircleCheck },
  failed: { color: 'red', label: 'Failed', Icon: IconCircleX },
  cancelled: { color: 'gray', label: 'Cancelled', Icon: IconBan },
};

/** A job's states, and whatever else is not a task's. */
const OTHERS: Record<string, { color: string; label: string }> = {
  done: { color: 'green', label: 'Done' },
  lost: { color: 'grape', label: 'Lost' },
};

/** Colour, icon and word: never colour alone. */
export function Status({ state, reason }: { state: string; reason?: string | null | undefined }) {
  const look = LOOKS[state as TaskState] as Look | undefined;
  const other = OTHERS[state] ?? { color: 'gray', label: state };
  const color = reason === 'lost' ? 'grape' : (look?.color ?? other.color);
  return (
    <span className={`chip chip-${color}`} data-state={state}>
      {look && <look.Icon size={12} aria-hidden />}
      {look?.label ?? other.label}
    </span>
  );
}
