import { Modal, Switch } from '@mantine/core';
import { useSetting } from '../lib/settings';
import { PLACES } from './Shell';

type Row = [string, string];

const GROUPS: [string, Row[]][] = [
  [
    'Anywhere',
    [
      ['Ctrl K', 'Go to a page or a task'],
      ['/', 'Search'],
      ['p', 'Pause live updates, go on'],
      ['t', 'Times: how long ago, or when'],
      ['D', 'Dark, light'],
      ['?', 'These keys'],
    ],
  ],
  [
    'In a list',
    [
      ['j / k', 'Next, previous row'],
      ['x or Space', 'Select the row'],
      ['J / K', 'Select on the way down, up'],
      ['*', 'Select all that are loaded'],
      ['Enter or o', 'Open beside the list'],
      ['O', 'Open as a page'],
      ['[ / ]', 'Task before, after'],
      ['Esc', 'Close the panel, forget the selection'],
    ],
  ],
  [
    'On a task, or those selected',
    [
      ['c', 'Cancel…'],
      ['r', 'Retry…'],
      ['e', 'Archive…'],
      ['y', 'Copy the id'],
      ['Y', 'Copy as curl'],
    ],
  ],
];

export default function KeysHelp({ close }: { close: () => void }) {
  const [on, setOn] = useSetting('shortcuts');
  const places = PLACES.map((place): Row => [place.keys, place.label]);
  return (
    <Modal opened onClose={close} title="Keyboard" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Switch
        label="Single keys do something (Ctrl K always does)"
        checked={on}
        onChange={(event) => setOn(event.currentTarget.checked)}
        mb="sm"
      />
      <div className="key-groups">
        {[...GROUPS, ['Go to', places] as [string, Row[]]].map(([name, rows]) => (
          <section key={name} aria-label={name}>
            <h3>{name}</h3>
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
          </section>
        ))}
      </div>
    </Modal>
  );
}
