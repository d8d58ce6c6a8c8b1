import { ActionIcon, Button, Group, Tooltip } from '@mantine/core';
import { IconBraces, IconCopy, IconSearch } from '@tabler/icons-react';
import { type ReactNode, useMemo, useState } from 'react';
import { copy } from '../lib/copy';
import { type Json, Num, writeJson } from '../lib/json';
import { size } from '../lib/words';

const CHILDREN = 200;
const LONG = 600;
const OPEN_DEPTH = 2;

/** JSON as a tree to fold, search and copy; numbers are as they were written, text is only text. */
export function JsonView({ value, label }: { value: Json; label: string }) {
  const [raw, setRaw] = useState(false);
  const [sought, setSought] = useState('');
  const text = useMemo(() => writeJson(value), [value]);
  const needle = sought.trim().toLowerCase();
  const isEmpty = text === '{}' || text === '[]' || text === 'null';
  return (
    <section className="json" aria-label={label}>
      <Group justify="space-between" gap="xs" mb={4}>
        <h3>
          {label} <span className="dim small num">{size(new Blob([text]).size)}</span>
        </h3>
        {!isEmpty && (
          <Group gap={2}>
            <span className="json-search">
              <IconSearch size={12} aria-hidden />
              <input
                aria-label={`Search in ${label}`}
                placeholder="Search"
                value={sought}
                onChange={(event) => setSought(event.currentTarget.value)}
              />
            </span>
            <Tooltip label={raw ? 'As a tree' : 'As text'}>
              <ActionIcon
                variant="subtle"
                color="gray"
                size={26}
                aria-label={raw ? `${label} as a tree` : `${label} as text`}
                onClick={() => setRaw(!raw)}
              >
                <IconBraces size={14} />
              </ActionIcon>
            </Tooltip>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={26}
              aria-label={`Copy ${label}`}
              onClick={() => void copy(text, `Copied ${label.toLowerCase()}`)}
            >
              <IconCopy size={14} />
            </ActionIcon>
          </Group>
        )}
      </Group>
      {isEmpty ? (
        <div className="dim small">Nothing.</div>
      ) : (
        <div className="json-tree mono" tabIndex={0}>
          {raw ? <pre className="raw">{text}</pre> : <Branch value={value} depth={0} needle={needle} />}
        </div>
      )}
    </section>
  );
}

function matches(value: Json, name: string | undefined, needle: string): boolean {
  if (name?.toLowerCase().includes(needle)) return true;
  if (value instanceof Num) return value.source.includes(needle);
  if (value === null || typeof value !== 'object') return String(value).toLowerCase().includes(needle);
  const members =
    value instanceof Map ? [...value] : value.map((v): [string | undefined, Json] => [undefined, v]);
  return members.some(([k, v]) => matches(v, k, needle));
}

function Branch({
  name,
  value,
  depth,
  needle,
}: {
  name?: string;
  value: Json;
  depth: number;
  needle: string;
}) {
  const [shown, setShown] = useState(CHILDREN);
  const [whole, setWhole] = useState(false);
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const key =
    name === undefined ? null : (
      <span className="json-key">
        <Marked text={name} needle={needle} />:{' '}
      </span>
    );
  if (value === null || typeof value === 'boolean') {
    return (
      <div className="json-line">
        {key}
        <span className="json-word">{String(value)}</span>
      </div>
    );
  }
  if (value instanceof Num) {
    return (
      <div className="json-line">
        {key}
        <span className="json-number">
          <Marked text={value.source} needle={needle} />
        </span>
      </div>
    );
  }
  if (typeof value === 'string') {
    const cut = value.length > LONG && !whole;
    return (
      <div className="json-line">
        {key}
        <span className="json-string">
          <Marked
            text={value.includes('\n') && !cut ? value : JSON.stringify(cut ? value.slice(0, LONG) : value)}
            needle={needle}
          />
        </span>
        {cut && (
          <Button size="compact-xs" variant="subtle" onClick={() => setWhole(true)}>
            all {size(value.length)}
          </Button>
        )}
      </div>
    );
  }
  const members: [string, Json][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : [...value];
  const found = needle ? members.filter(([k, v]) => matches(v, k, needle)) : members;
  if (needle && found.length === 0 && depth > 0) return null;
  return (
    <details open={needle ? true : open} onToggle={(event) => !needle && setOpen(event.currentTarget.open)}>
      <summary>
        {key}
        <span className="dim">{Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`}</span>
      </summary>
      {(open || needle) && (
        <div>
          {found.slice(0, shown).map(([k, v]) => (
            <Branch key={k} name={k} value={v} depth={depth + 1} needle={needle} />
          ))}
          {found.length > shown && (
            <Button size="compact-xs" variant="subtle" onClick={() => setShown(shown + CHILDREN)}>
              {found.length - shown} more
            </Button>
          )}
        </div>
      )}
    </details>
  );
}

function Marked({ text, needle }: { text: string; needle: string }): ReactNode {
  if (!needle) return text;
  const at = text.toLowerCase().indexOf(needle);
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + needle.length)}</mark>
      {text.slice(at + needle.length)}
    </>
  );
}
