import { notifications } from '@mantine/notifications';

/** Copies; also where the page came over plain http and has no clipboard of its own. */
export async function copy(text: string, what = 'Copied'): Promise<void> {
  const done = await write(text);
  notifications.show(
    done
      ? { message: what, color: 'petrol', autoClose: 1800 }
      : { message: `Could not copy. Here it is: ${text}`, color: 'red', autoClose: false },
  );
}

async function write(text: string): Promise<boolean> {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // A browser may refuse; the old way may still work.
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}
