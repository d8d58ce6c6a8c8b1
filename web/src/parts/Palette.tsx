import { Modal } from '@mantine/core';
import { type KeyboardEvent, useId, useState } from 'react';
import { brief } from '../lib/words';
import { jobPath, taskPath, useGo } from './nav';
import type { Place } from './Shell';

interface Choice {
  id: string;
  label: string;
  to: string;
}

const SHORTS: Choice[] = [
  {
    id: 'failed',
    label: 'Failed tasks of the last day',
    to: '/tasks?state=failed&completed=24h&sort=-completed',
  },
  { id: 'running', label: 'Running tasks', to: '/tasks?state=running' },
  { id: 'queued', label: 'Queued tasks, oldest first', to: '/tasks?state=queued&sort=created' },
];

/** Type a page, or paste an id. */
export default function Palette({ close, places }: { close: () => void; places: readonly Place[] }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const go = useGo();
  const list = useId();
  const wanted = text.trim();
  const pages = places.map((place) => ({ id: place.to, label: place.label, to: place.to }));
  const found = [...pages, ...SHORTS].filter((c) => c.label.toLowerCase().includes(wanted.toLowerCase()));
  const choices: Choice[] = wanted
    ? [
        ...found,
        { id: 'task', label: `Task ${brief(wanted, 40)}`, to: taskPath(wanted) },
        { id: 'job', label: `Job ${brief(wanted, 40)}`, to: jobPath(wanted) },
      ]
    : found;
  const active = Math.min(at, choices.length - 1);

  function choose(choice: Choice | undefined): void {
    if (!choice) return;
    close();
    go(choice.to);
  }

  function press(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') setAt(Math.min(active + 1, choices.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(active - 1, 0));
    else if (event.key === 'Enter') choose(choices[active]);
    else return;
    event.preventDefault();
  }

  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} yOffset="12vh" aria-label="Go to">
      <input
        className="palette-input"
        role="combobox"
        aria-label="Go to a page, or to a task by its id"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={choices[active] ? `${list}-${choices[active].id}` : undefined}
        placeholder="A page, or the id of a task or job"
        value={text}
        data-autofocus
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div id={list} role="listbox" aria-label="Where to" className="palette-list">
        {choices.map((choice, index) => (
          <div
            key={choice.id}
            id={`${list}-${choice.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onMouseEnter={() => setAt(index)}
            onClick={() => choose(choice)}
          >
            {choice.label}
          </div>
        ))}
      </div>
    </Modal>
  );
}
