import { notifications } from '@mantine/notifications';
import { base, problemOf } from '../api/client';

/** Saves what the server sends as a file, and says so when it cannot. */
export async function download(path: string, name: string): Promise<void> {
  const note = notifications.show({ message: 'Downloading…', loading: true, autoClose: false });
  try {
    const response = await fetch(`${base}${path}`);
    if (!response.ok) throw await problemOf(response);
    const address = URL.createObjectURL(await response.blob());
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    notifications.update({
      id: note,
      message: `Saved ${name}`,
      color: 'petrol',
      loading: false,
      autoClose: 3000,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    notifications.update({
      id: note,
      title: 'Not downloaded',
      message,
      color: 'red',
      loading: false,
      autoClose: false,
    });
  }
}
