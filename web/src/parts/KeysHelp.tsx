import { Modal, Switch } from '@mantine/core';
import { useSetting } from '../lib/settings';
import { PLACES } from './Shell';

const ROWS: [string, string][] = [
  ['Ctrl K', 'Go to a page or a task'],
  ['/', 'Search'],
  ['j / k', 'Next, previous row'],
  ['x or Space', 'Select the row'],
  ['J / K', 'Select on the way down, up'],
  ['*', 'Select all that are loaded'],
  ['Enter or o', 'Open beside the list'],
  ['O', 'Open as a page'],
  ['[ / ]', 'Task before, after'],
  ['Esc', 'Close the panel, forget the selection'],
  ['c', 'Cancel…'],
  ['r', 'Retry…'],
  ['e', 'Archive…'],
  ['y', 'Copy the id'],
  ['Y', 'Copy as curl'],
  ['p', 'Pause, go on with live updates'],
  ['t', 'Times: how long ago, or when'],
  ['D', 'Dark, light'],
  ['?', 'This'],
];

export default function KeysHelp({ close }: { close: () => void }) {
  const [on, setOn] = useSetting('shortcuts');
  const rows = [...ROWS, ...PLACES.map((place): [string, string] => [place.keys, place.label])];
  return (
    <Modal opened onClose={close} title="Keyboard" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Switch
        label="Single keys do something (Ctrl K always does)"
        checked={on}
        onChange={(event) => setOn(event.currentTarget.checked)}
        mb="sm"
      />
      <dl className="keys">
        {rows.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd className="key">{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
