import { Button, Stack } from '@mantine/core';
import { useResults } from '../../api/taskQueries';
import { ResultView } from '../ResultView';
import { Trouble } from '../Trouble';

export function ResultsTab({ id }: { id: string }) {
  const results = useResults(id);
  const items = results.data?.pages.flatMap((page) => page.items) ?? [];
  if (results.error) return <Trouble error={results.error} retry={() => void results.refetch()} />;
  if (results.isPending) return <div className="dim">Loading…</div>;
  if (items.length === 0) return <div className="dim">No result yet.</div>;
  return (
    <Stack gap="lg">
      {items.map((result, index) => (
        <ResultView key={result.id ?? `${result.attempt} ${result.name} ${index}`} result={result} />
      ))}
      {results.hasNextPage && (
        <Button
          variant="default"
          loading={results.isFetchingNextPage}
          onClick={() => void results.fetchNextPage()}
        >
          More results
        </Button>
      )}
    </Stack>
  );
}
