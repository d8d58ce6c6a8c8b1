import { useEffect, useRef, useSyncExternalStore } from 'react';
import { type Batch, live, type Standing } from './live';

export function useStanding(): Standing {
  return useSyncExternalStore(
    (call) => live.watch(call),
    () => live.standing,
  );
}

/**
 * Calls back when something happened that `matters`, at once and then at most every `everyMs`:
 * a busy feed costs a page no more than a calm one.
 */
export function useLive(matters: (batch: Batch) => boolean, call: () => void, everyMs = 1000): void {
  const latest = useRef({ matters, call });
  latest.current = { matters, call };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let due = false;
    function fire(): void {
      due = false;
      timer = setTimeout(() => {
        timer = undefined;
        if (due) fire();
      }, everyMs);
      latest.current.call();
    }
    const stop = live.listen((batch) => {
      if (!batch.reset && !latest.current.matters(batch)) return;
      if (timer === undefined) fire();
      else due = true;
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [everyMs]);
}
