import { ActionIcon, Button, Group } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, said } from '../../api/client';
import { curl } from '../../lib/curl';
import { spanOf } from '../../lib/spans';
import { Command } from '../Copyable';
import { Sure } from '../Sure';
import { Ago } from '../Times';
import { Trouble } from '../Trouble';
import { type Rule, RuleForm } from './RuleForm';

/** What a rule is about, in words. */
export function about(rule: Pick<Rule, 'kind' | 'state'>): string {
  const state = rule.state === '*' ? 'ended' : rule.state;
  return rule.kind === '*' ? `all ${state} tasks` : `${state} tasks of ${rule.kind}`;
}

/** How long what has ended is kept. */
export function Retention() {
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['retention'] });
  const [open, setOpen] = useState<Rule | 'new' | null>(null);
  const [leaving, setLeaving] = useState<Rule | null>(null);
  const rules = useQuery({
    queryKey: ['retention'],
    queryFn: ({ signal }) => said(api.GET('/v1/retention', { signal })),
  });
  const forget = useMutation({
    mutationFn: ({ kind, state }: Rule) =>
      api.DELETE('/v1/retention', { params: { query: { kind, state } } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = rules.data?.items ?? [];
  return (
    <section className="panel pad" aria-labelledby="retention">
      <Group justify="space-between">
        <h2 id="retention">Retention</h2>
        <Button size="compact-sm" variant="default" onClick={() => setOpen('new')}>
          New rule…
        </Button>
      </Group>
      <p className="dim small">
        How long tasks that have ended are kept after their last change. Without a rule they stay for ever.
        Each time comes from the narrowest rule that gives one; – leaves it to a wider one.
      </p>
      {rules.error && <Trouble error={rules.error} retry={() => void rules.refetch()} />}
      {rules.data && items.length === 0 && (
        <Command>
          {curl('PUT', '/v1/retention', {
            archive_after_seconds: 2_592_000,
            delete_after_seconds: 31_536_000,
          })}
        </Command>
      )}
      {items.length > 0 && (
        <div className="scroll" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th>Kind</th>
                <th>Ended as</th>
                <th>Archived after</th>
                <th>Deleted after</th>
                <th>Legal hold</th>
                <th>Changed</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((rule) => (
                <tr key={`${rule.kind} ${rule.state}`}>
                  <td>{rule.kind === '*' ? <span className="dim">any</span> : rule.kind}</td>
                  <td>{rule.state === '*' ? <span className="dim">any</span> : rule.state}</td>
                  <td className="num">{when(rule.archive_after_seconds)}</td>
                  <td className="num">{when(rule.delete_after_seconds)}</td>
                  <td className="wrap">
                    {rule.legal_hold && <span className="chip chip-orange">held</span>} {rule.legal_hold}
                  </td>
                  <td>
                    <Ago at={rule.updated_at} />
                    {rule.updated_by && <span className="dim small block">{rule.updated_by}</span>}
                  </td>
                  <td className="right">
                    <Group gap={4} justify="end" wrap="nowrap">
                      <Button
                        size="compact-sm"
                        variant="default"
                        aria-label={`Change the rule for ${about(rule)}`}
                        onClick={() => setOpen(rule)}
                      >
                        Change…
                      </Button>
                      <ActionIcon
                        size={26}
                        variant="default"
                        aria-label={`Remove the rule for ${about(rule)}`}
                        title="Remove…"
                        onClick={() => setLeaving(rule)}
                      >
                        <IconX size={14} />
                      </ActionIcon>
                    </Group>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open && <RuleForm rule={open === 'new' ? null : open} rules={items} close={() => setOpen(null)} />}
      {leaving && (
        <Sure
          title={`Remove the rule for ${about(leaving)}`}
          act="Remove the rule"
          pending={forget.isPending}
          error={forget.error}
          close={() => setLeaving(null)}
          onSure={() => forget.mutate(leaving)}
        >
          {leaving.legal_hold
            ? 'What it held is held no longer: wider rules may delete it within the minute.'
            : 'Wider rules hold for these tasks from then on; without any, they stay.'}
        </Sure>
      )}
    </section>
  );
}

function when(seconds: Rule['delete_after_seconds']) {
  if (seconds === null) return <span className="dim">–</span>;
  return seconds === 'never' ? 'never' : spanOf(seconds);
}
