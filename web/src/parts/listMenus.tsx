import { Button, Menu, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAdjustments, IconBookmark, IconDownload } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { copy } from '../lib/copy';
import { curl } from '../lib/curl';
import { queryString, type Search, writeSearch } from '../lib/filter';
import { useSetting } from '../lib/settings';
import { COLUMNS } from './columns';
import { download } from './download';
import { useGo } from './nav';

/** Which columns the list has. */
export function Columns() {
  const [columns, setColumns] = useSetting('columns');
  const [density, setDensity] = useSetting('density');
  useEffect(() => {
    document.documentElement.dataset['density'] = density;
  }, [density]);
  function toggle(id: string): void {
    const chosen = new Set(columns.includes(id) ? columns.filter((c) => c !== id) : [...columns, id]);
    setColumns(COLUMNS.map((c) => c.id).filter((c) => chosen.has(c)));
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconAdjustments size={14} />}
          visibleFrom="sm"
        >
          Columns
        </Button>
      </Menu.Target>
      <Menu.Dropdown className="tall">
        {COLUMNS.map((column) => (
          <Menu.CheckboxItem
            key={column.id}
            checked={columns.includes(column.id)}
            onChange={() => toggle(column.id)}
          >
            {column.label}
          </Menu.CheckboxItem>
        ))}
        <Menu.Divider />
        <Menu.CheckboxItem
          checked={density === 'compact'}
          onChange={(on) => setDensity(on ? 'compact' : 'normal')}
        >
          Compact rows
        </Menu.CheckboxItem>
      </Menu.Dropdown>
    </Menu>
  );
}

export function Views({ search, path }: { search: Search; path: string }) {
  const [views, setViews] = useSetting('views');
  const [name, setName] = useState('');
  const go = useGo();
  const words = writeSearch({ ...search, task: undefined, tab: undefined });
  return (
    <Menu position="bottom-end" width={280}>
      <Menu.Target>
        <Button size="compact-sm" variant="default" leftSection={<IconBookmark size={14} />} visibleFrom="sm">
          Views
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {views.length === 0 && <Menu.Label>No view is saved in this browser yet</Menu.Label>}
        {views.map((view) => (
          <Menu.Item key={view.name} onClick={() => go(`${path}${view.search}`)}>
            {view.name}
          </Menu.Item>
        ))}
        {views.length > 0 && (
          <>
            <Menu.Divider />
            {views.map((view) => (
              <Menu.Item
                key={view.name}
                color="red"
                onClick={() => setViews(views.filter((v) => v.name !== view.name))}
              >
                Forget “{view.name}”
              </Menu.Item>
            ))}
          </>
        )}
        <Menu.Divider />
        <form
          className="view-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (!name.trim()) return;
            setViews([...views.filter((v) => v.name !== name.trim()), { name: name.trim(), search: words }]);
            notifications.show({
              message: `Saved the view “${name.trim()}” in this browser`,
              color: 'petrol',
            });
            setName('');
          }}
        >
          <TextInput
            size="xs"
            label="Save what is shown as"
            value={name}
            maxLength={40}
            onChange={(event) => setName(event.currentTarget.value)}
            onKeyDown={(event) => event.stopPropagation()}
          />
        </form>
      </Menu.Dropdown>
    </Menu>
  );
}

export function Export({ query }: { query: Record<string, unknown> }) {
  const { order: _o, direction: _d, ...filter } = query;
  const path = `/v1/export${queryString(filter)}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-sm" variant="default" leftSection={<IconDownload size={14} />} visibleFrom="sm">
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void download(path, 'tasks.ndjson')}>All that match, as NDJSON</Menu.Item>
        <Menu.Item onClick={() => void copy(curl('GET', path), 'Copied the command')}>
          Copy the command
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
