import { Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { api, type DryRunOut, type Shape, said } from '../../api/client';
import { fromPlain, readJson } from '../../lib/json';
import { many } from '../../lib/words';
import { JsonView } from '../JsonView';
import { Trouble } from '../Trouble';

/** A sample body, and what it would become by the mapping that is being written. */
export function DryRun(props: {
  id: string;
  shape: Shape | null | undefined;
  sample: string;
  change: (sample: string) => void;
}) {
  const { id, shape } = props;
  const sample = useDeferredValue(props.sample);
  const fault = faultOf(sample);
  const tried = useQuery<DryRunOut>({
    queryKey: ['dry run', id, shape, sample],
    enabled: sample.trim() !== '' && fault === null && shape !== undefined,
    placeholderData: (before) => before,
    retry: false,
    gcTime: 0,
    queryFn: ({ signal }) =>
      said(
        api.POST('/v1/sources/{source_id}/dry-run', {
          params: { path: { source_id: id } },
          body: { body: null, mapping: shape ?? null },
          // The sample goes as it was pasted: long numbers stay what they are.
          bodySerializer: () => `{"body":${sample},"mapping":${JSON.stringify(shape ?? null)}}`,
          signal,
        }),
      ),
  });
  return (
    <div className="mapping">
      <Textarea
        label="A sample of what it sends"
        description="At first what it sent last. Nothing becomes of it here."
        placeholder='{"run": {"id": "train-07", "conclusion": "success"}}'
        autosize
        minRows={6}
        maxRows={16}
        classNames={{ input: 'mono' }}
        value={props.sample}
        error={props.sample.trim() !== '' && fault}
        spellCheck={false}
        onChange={(event) => props.change(event.currentTarget.value)}
      />
      <div role="status" aria-label="What it would become">
        {tried.error && <Trouble error={tried.error} title="It cannot be tried" />}
        {tried.data && !tried.error && (
          <>
            <div className="small">
              {tried.data.errors.length > 0 ? (
                <span className="error-text">It would be refused:</span>
              ) : tried.data.reports.length === 0 ? (
                'It would be taken, and holds nothing to report.'
              ) : (
                `It would become ${many(tried.data.reports.length, 'report')}:`
              )}
            </div>
            {tried.data.errors.length > 0 && (
              <ul className="faults">
                {tried.data.errors.map((error) => (
                  <li key={`${error.pointer}${error.detail}`}>
                    <span className="mono">{error.pointer || 'body'}</span> {error.detail}
                  </li>
                ))}
              </ul>
            )}
            {tried.data.reports.length > 0 && (
              <JsonView value={fromPlain(tried.data.reports)} label="Reports" />
            )}
          </>
        )}
      </div>
    </div>
  );
}

function faultOf(text: string): string | null {
  try {
    readJson(text);
    return null;
  } catch (error) {
    return `This is no JSON: ${(error as Error).message}`;
  }
}
