import { IconSearch } from '@tabler/icons-react';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { useCounts } from '../api/queries';
import { completions, FIELDS, readTyped, type Typed } from '../lib/filter';
import { useKeys } from './keys';

/** Where filters are typed: `state:failed kind:train`, with what may come next below. */
export function SearchBox({ onTyped }: { onTyped: (typed: Typed) => void }) {
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const kinds = useCounts('kind');
  const queues = useCounts('queue');
  useKeys({ '/': () => input.current?.focus() });
  const known = {
    kind: Object.keys(kinds.data?.counts ?? {}).filter(Boolean),
    queue: Object.keys(queues.data?.counts ?? {}),
  };
  const options = open ? completions(text, known) : [];
  const active = Math.min(at, options.length - 1);

  function choose(option: string): void {
    setText(option.endsWith(':') ? option : `${option} `);
    setAt(-1);
    input.current?.focus();
  }

  function submit(): void {
    if (text.trim() === '') return;
    const typed = readTyped(text);
    onTyped(typed);
    if (typed.problems.length === 0) setText('');
    setOpen(false);
    setAt(-1);
  }

  function press(event: KeyboardEvent): void {
    const option = options[active];
    if (event.key === 'ArrowDown') setAt(Math.min(active + 1, options.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(active - 1, -1));
    else if (event.key === 'Enter') option ? choose(option) : submit();
    else if (event.key === 'Tab' && option) choose(option);
    else if (event.key === 'Escape') open && options.length > 0 ? setOpen(false) : input.current?.blur();
    else return;
    event.preventDefault();
  }

  return (
    <div className="search">
      <IconSearch size={14} aria-hidden />
      <input
        ref={input}
        role="combobox"
        aria-label="Search tasks"
        aria-expanded={options.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${list}-${active}` : undefined}
        placeholder="state:failed kind:train label:team=ml, or an id"
        value={text}
        spellCheck={false}
        autoComplete="off"
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
          setAt(-1);
        }}
        onKeyDown={press}
      />
      <kbd className="key" aria-hidden>
        /
      </kbd>
      <div
        id={list}
        role="listbox"
        aria-label="What may come next"
        className={options.length > 0 ? 'options' : undefined}
      >
        {options.map((option, index) => (
          <div
            key={option}
            id={`${list}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onMouseDown={(event) => {
              event.preventDefault();
              choose(option);
            }}
            onMouseEnter={() => setAt(index)}
          >
            <span className="mono">{option.slice(option.lastIndexOf(' ') + 1)}</span>
            <span className="dim small">{FIELDS.find((f) => option.endsWith(`${f.key}:`))?.says}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
