import { Button, Group, SegmentedControl } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { api, type Sending, said } from '../../api/client';
import { many, size } from '../../lib/words';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';

type State = Sending['state'];
const COLORS: Record<State, string> = { taken: 'green', nothing: 'gray', refused: 'red' };
/** So many calls at most read again what one click means; each reads a hundred. */
const CALLS_MAX = 20;

/** What a source sent lately, as it came, and what became of it. */
export function Sendings({ id, tryOn }: { id: string; tryOn: (body: string) => void }) {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['source', id, 'sendings'] });
  const [state, setState] = useState<State | 'all'>('all');
  const [open, setOpen] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['source', id, 'sendings', state],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET('/v1/sources/{source_id}/sendings', {
          params: {
            path: { source_id: id },
            query: {
              limit: 50,
              ...(state === 'all' ? {} : { state: [state] }),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 10_000,
  });
  const again = useMutation({
    mutationFn: (sending: string) =>
      said(
        api.POST('/v1/sources/{source_id}/sendings/{sending_id}/replay', {
          params: { path: { source_id: id, sending_id: sending } },
          body: {},
        }),
      ),
    onSuccess: (read) => {
      const verdicts = read.reports.map((report) => report.verdict).join(', ');
      notifications.show({
        message: `Read again: ${read.sending.state}${verdicts ? ` (${verdicts})` : ''}`,
        color: read.sending.state === 'refused' ? 'red' : 'petrol',
      });
    },
    onSettled: refresh,
  });
  const all = useMutation({
    mutationFn: () => readAll(id),
    onSuccess: ({ read, refused }) =>
      notifications.show({
        message: `Read ${many(read, 'sending')} again${refused ? `; ${refused} are refused still` : ''}`,
        color: refused ? 'red' : 'petrol',
      }),
    onSettled: refresh,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel" aria-labelledby="sendings">
      <Group justify="space-between" className="pad">
        <h2 id="sendings">
          What it sent <span className="dim small">the last 1,000, for a week</span>
        </h2>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" loading={all.isPending} onClick={() => all.mutate()}>
            Read again what was not taken
          </Button>
          <SegmentedControl
            size="xs"
            aria-label="Which sendings"
            value={state}
            onChange={(next) => setState(next as State | 'all')}
            data={['all', 'taken', 'nothing', 'refused']}
          />
        </Group>
      </Group>
      {[list.error, again.error, all.error].map(
        (error) => error && <Trouble key={error.message} error={error} retry={() => void list.refetch()} />,
      )}
      {items.length > 0 && (
        <div className="scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Came</th>
                <th>Was</th>
                <th className="right">Reports</th>
                <th>Why</th>
                <th className="right">Size</th>
                <th>Read again</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((sending) => (
                <Fragment key={sending.id}>
                  <tr>
                    <td className="nowrap">
                      <button
                        type="button"
                        className="textual"
                        aria-expanded={open === sending.id}
                        onClick={() => setOpen(open === sending.id ? null : sending.id)}
                      >
                        <Ago at={sending.at} />
                      </button>
                    </td>
                    <td>
                      <span className={`chip chip-${COLORS[sending.state]}`}>{sending.state}</span>
                    </td>
                    <td className="num right">{sending.reports}</td>
                    <td className="wrap">
                      {sending.problems.slice(0, 2).map((problem) => (
                        <div key={`${problem.pointer}${problem.detail}`}>
                          <span className="mono">{problem.pointer || 'body'}</span> {problem.detail}
                        </div>
                      ))}
                    </td>
                    <td className="num right nowrap">{size(sending.bytes)}</td>
                    <td className="nowrap">
                      {sending.replays > 0 ? (
                        <Ago at={sending.replayed_at} />
                      ) : (
                        <span className="dim">–</span>
                      )}
                    </td>
                    <td className="right">
                      <Button
                        size="compact-sm"
                        variant="default"
                        loading={again.isPending && again.variables === sending.id}
                        onClick={() => again.mutate(sending.id)}
                      >
                        Read again
                      </Button>
                    </td>
                  </tr>
                  {open === sending.id && (
                    <tr>
                      <td colSpan={7}>
                        <Whole source={id} id={sending.id} tryOn={tryOn} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              ))}
            </tbody>
          </table>
          {list.hasNextPage && (
            <Button m="xs" size="compact-sm" variant="default" onClick={() => void list.fetchNextPage()}>
              Older
            </Button>
          )}
        </div>
      )}
      {list.data && items.length === 0 && (
        <div className="empty dim">
          {state === 'all' ? 'It sent nothing yet that was vouched for.' : `Nothing was ${state}.`}
        </div>
      )}
    </section>
  );
}

async function readAll(id: string): Promise<{ read: number; refused: number }> {
  let after: string | null = '';
  let read = 0;
  let refused = 0;
  for (let call = 0; call < CALLS_MAX && after !== null; call++) {
    const page: { items: { sending: Sending }[]; next_after: string | null } = await said(
      api.POST('/v1/sources/{source_id}/replay', {
        params: { path: { source_id: id } },
        body: { states: ['refused', 'nothing'], after },
      }),
    );
    read += page.items.length;
    refused += page.items.filter((item) => item.sending.state === 'refused').length;
    after = page.next_after;
  }
  return { read, refused };
}

function Whole(props: { source: string; id: string; tryOn: (body: string) => void }) {
  const whole = useQuery({
    queryKey: ['source', props.source, 'sending', props.id],
    queryFn: ({ signal }) =>
      said(
        api.GET('/v1/sources/{source_id}/sendings/{sending_id}', {
          params: { path: { source_id: props.source, sending_id: props.id } },
          signal,
        }),
      ),
  });
  if (whole.error) return <Trouble error={whole.error} retry={() => void whole.refetch()} />;
  if (!whole.data) return <span className="dim">Loading…</span>;
  const { body, encoding, headers } = whole.data;
  return (
    <div className="mapping">
      <dl className="facts">
        {Object.entries(headers).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono wrap">{value}</dd>
          </div>
        ))}
      </dl>
      <pre className="raw" tabIndex={0}>
        {encoding === 'text' ? body : `(${encoding})\n${body}`}
      </pre>
      {encoding === 'text' && (
        <Group>
          <Button size="compact-sm" variant="default" onClick={() => props.tryOn(body)}>
            Try the mapping on it
          </Button>
        </Group>
      )}
    </div>
  );
}
