import '@mantine/core/styles/Combobox.css';
import '@mantine/core/styles/Pill.css';
import '@mantine/core/styles/PillsInput.css';
import { ActionIcon, Autocomplete, Button, TagsInput, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type Draft, FIELDS, type Row } from '../../lib/mapping';
import { STATES } from '../../lib/words';

/** A mapping, a line for each field of a report. */
export function MappingLines({ draft, change }: { draft: Draft; change: (draft: Draft) => void }) {
  const set = (index: number, row: Partial<Row>) =>
    change({ ...draft, rows: draft.rows.map((old, i) => (i === index ? { ...old, ...row } : old)) });
  const free = FIELDS.filter((field) => !draft.rows.some((row) => row.field === field));
  return (
    <div className="mapping">
      <div className="mapping-two">
        <TextInput
          label="A report for each"
          description="finds the parts; empty: the whole body"
          placeholder="jobs[]"
          value={draft.each}
          classNames={{ input: 'mono' }}
          onChange={(event) => change({ ...draft, each: event.currentTarget.value })}
        />
        <TextInput
          label="Only when"
          description="leaves parts out; empty: all"
          placeholder="action == 'completed'"
          value={draft.when}
          classNames={{ input: 'mono' }}
          onChange={(event) => change({ ...draft, when: event.currentTarget.value })}
        />
      </div>
      {draft.rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name while their field is typed
        <fieldset key={index} className="mapping-row">
          <legend className="offscreen">{row.field || 'New field'}</legend>
          <Autocomplete
            aria-label="Field of the report"
            size="xs"
            value={row.field}
            data={[...(row.field ? [row.field] : []), ...free]}
            onChange={(field) => set(index, { field })}
          />
          <TextInput
            aria-label={`Where ${row.field || 'it'} is`}
            size="xs"
            placeholder="JMESPath, such as run.id"
            value={row.at}
            classNames={{ input: 'mono' }}
            onChange={(event) => set(index, { at: event.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size={28}
            aria-label={`Leave out ${row.field || 'this field'}`}
            onClick={() => change({ ...draft, rows: draft.rows.filter((_, i) => i !== index) })}
          >
            <IconX size={14} />
          </ActionIcon>
          {(row.field === 'state' || row.values.length > 0 || row.otherwise !== '') && (
            <div className="mapping-words">
              <TagsInput
                aria-label={`Words of ${row.field}`}
                size="xs"
                value={row.values}
                placeholder={row.values.length === 0 ? 'their word = ours, such as success=succeeded' : ''}
                onChange={(values) => set(index, { values })}
              />
              <Autocomplete
                aria-label={`Otherwise ${row.field} is`}
                size="xs"
                placeholder="any other: as it is"
                value={row.otherwise}
                data={row.field === 'state' ? STATES : []}
                onChange={(otherwise) => set(index, { otherwise })}
              />
            </div>
          )}
        </fieldset>
      ))}
      <Button
        size="compact-sm"
        variant="default"
        onClick={() =>
          change({
            ...draft,
            rows: [...draft.rows, { field: free[0] ?? '', at: '', values: [], otherwise: '' }],
          })
        }
      >
        Add a field
      </Button>
    </div>
  );
}
