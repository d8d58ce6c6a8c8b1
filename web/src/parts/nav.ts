import { getRouteApi, useRouter, useRouterState } from '@tanstack/react-router';
import { useCallback } from 'react';
import { type Search, writeSearch } from '../lib/filter';
import { inPath } from '../lib/words';

const root = getRouteApi('__root__');

/** What the address asks for, beside the page. */
export function useSearchWords(): Search {
  return root.useSearch() as Search;
}

/** The address without what stands before the app. */
export function usePath(): string {
  return useRouterState({ select: (state) => state.location.pathname });
}

/** Goes to an address of the app, such as `/tasks?state=failed`. */
export function useGo(): (to: string, options?: { replace?: boolean }) => void {
  const router = useRouter();
  return useCallback(
    (to, options) => {
      const href = `${router.basepath.replace(/\/$/, '')}${to}`;
      if (options?.replace) router.history.replace(href);
      else router.history.push(href);
    },
    [router],
  );
}

/** Changes the words behind the `?` of the present address. */
export function useSetSearch(): (
  change: (search: Search) => Search,
  options?: { replace?: boolean },
) => void {
  const router = useRouter();
  return useCallback(
    (change, options) => {
      const { pathname, search } = router.latestLocation;
      const next = `${pathname}${writeSearch(change(search as Search))}`;
      const href = pathname.startsWith(router.basepath)
        ? next
        : `${router.basepath.replace(/\/$/, '')}${next}`;
      if (options?.replace === false) router.history.push(href);
      else router.history.replace(href);
    },
    [router],
  );
}

export const taskPath = (id: string): string => `/tasks/${inPath(id)}`;
export const jobPath = (id: string): string => `/jobs/${inPath(id)}`;
