import { Button, Group, NativeSelect, SegmentedControl, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, type Incoming, type Shape, said } from '../../api/client';
import { curl } from '../../lib/curl';
import { draftOf, fits, shapeOf } from '../../lib/mapping';
import { inPath } from '../../lib/words';
import { Curl } from '../Copyable';
import { Trouble } from '../Trouble';
import { DryRun } from './DryRun';
import { MappingLines } from './MappingLines';

type Way = 'report' | 'lines' | 'json';
const SCHEMES: { value: Incoming['scheme']; label: string }[] = [
  { value: 'standard', label: 'Standard Webhooks: webhook-signature' },
  { value: 'github', label: 'GitHub: X-Hub-Signature-256' },
  { value: 'bearer', label: 'the secret itself, as a bearer token' },
];

/** How a source's bodies become reports: written here, tried at once on a sample, then saved. */
export function Reading(props: { incoming: Incoming; sample: string; setSample: (sample: string) => void }) {
  const { incoming } = props;
  const queries = useQueryClient();
  const [scheme, setScheme] = useState(incoming.scheme);
  const [way, setWay] = useState<Way>(
    incoming.mapping === null ? 'report' : fits(incoming.mapping) ? 'lines' : 'json',
  );
  const [draft, setDraft] = useState(() => draftOf(incoming.mapping));
  const [text, setText] = useState(() => JSON.stringify(incoming.mapping ?? shapeOf(draft), null, 2));
  const written = useMemo(() => parsed(text), [text]);
  const shape: Shape | null | undefined =
    way === 'report' ? null : way === 'lines' ? (shapeOf(draft) ?? undefined) : written;
  function turn(next: Way): void {
    if (next === 'json') setText(JSON.stringify(shape ?? shapeOf(draft) ?? { report: {} }, null, 2));
    if (next === 'lines' && way === 'json' && written) setDraft(draftOf(written));
    setWay(next);
  }
  const body = { scheme, mapping: shape ?? null };
  const save = useMutation({
    mutationFn: () =>
      said(
        api.PUT('/v1/sources/{source_id}/incoming', {
          params: { path: { source_id: incoming.source_id } },
          body,
        }),
      ),
    onSuccess: () => {
      notifications.show({ message: 'From now on it is read like this', color: 'petrol' });
      void queries.invalidateQueries({ queryKey: ['source', incoming.source_id] });
    },
  });
  const blocked = way === 'json' && (written === undefined || !fits(written ?? null));
  return (
    <section className="panel pad" aria-labelledby="reading">
      <Group justify="space-between" mb="xs">
        <h2 id="reading">How it is read</h2>
        <SegmentedControl
          size="xs"
          aria-label="What it sends"
          value={way}
          onChange={(next) => turn(next as Way)}
          data={[
            { value: 'report', label: 'It sends reports' },
            { value: 'lines', label: 'By a mapping', disabled: blocked },
            { value: 'json', label: 'Mapping as JSON' },
          ]}
        />
      </Group>
      <div className="sides">
        <div className="mapping">
          <NativeSelect
            label="Vouched for by"
            value={scheme}
            data={SCHEMES}
            onChange={(event) => setScheme(event.currentTarget.value as Incoming['scheme'])}
          />
          {way === 'report' && (
            <p className="dim small">
              Its bodies are reports as <span className="mono">POST /v1/reports</span> takes them, or
              CloudEvents. If it sends something else, a mapping says where the parts of a report are.
            </p>
          )}
          {way === 'lines' && <MappingLines draft={draft} change={setDraft} />}
          {way === 'json' && (
            <Textarea
              label="Mapping"
              autosize
              minRows={10}
              maxRows={28}
              classNames={{ input: 'mono' }}
              spellCheck={false}
              value={text}
              error={written === undefined && 'This is no JSON object.'}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          )}
          {save.error && <Trouble error={save.error} />}
          <Group justify="space-between">
            <Curl command={curl('PUT', `/v1/sources/${inPath(incoming.source_id)}/incoming`, body)} />
            <Button loading={save.isPending} disabled={shape === undefined} onClick={() => save.mutate()}>
              Read it like this
            </Button>
          </Group>
        </div>
        <DryRun id={incoming.source_id} shape={shape} sample={props.sample} change={props.setSample} />
      </div>
    </section>
  );
}

function parsed(text: string): Shape | null | undefined {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || Array.isArray(found)) return undefined;
    if (found !== null && typeof (found as Shape).report !== 'object') return undefined;
    return found as Shape | null;
  } catch {
    return undefined;
  }
}
