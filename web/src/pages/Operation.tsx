import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api, said } from '../api/client';
import { fromPlain } from '../lib/json';
import { OperationProgress, VERBS } from '../parts/actions';
import { JsonView } from '../parts/JsonView';
import { Link } from '../parts/Link';
import { Ago } from '../parts/Times';

export default function Operation() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const operation = useQuery({
    queryKey: ['operations', id],
    queryFn: ({ signal }) =>
      said(api.GET('/v1/operations/{operation_id}', { params: { path: { operation_id: id } }, signal })),
  });
  const now = operation.data;
  return (
    <div className="page">
      <nav aria-label="Where" className="crumbs">
        <Link to="/operations">Bulk operations</Link> <span aria-hidden>/</span>{' '}
        <span className="mono">{id}</span>
      </nav>
      <div className="panel pad">
        <h1>{now ? VERBS[now.verb].label : 'Operation'}</h1>
        {now && (
          <p className="dim small">
            {VERBS[now.verb].does} Begun by {now.actor} <Ago at={now.created_at} />
            {now.reason && `: ${now.reason}`}
          </p>
        )}
        <OperationProgress id={id} />
        {now?.filter && <JsonView value={fromPlain(now.filter)} label="Which tasks" />}
      </div>
    </div>
  );
}
