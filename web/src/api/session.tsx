import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { may, type Role } from '../lib/words';
import { api, holdKey, type Me, Problem, said, whenRefused } from './client';
import { live } from './live';

interface Session {
  /** Who is signed in; null: nobody, undefined: not known yet. */
  me: Me | null | undefined;
  /** Why the server could not be asked. */
  trouble: Problem | null;
  signIn: (key: string) => Promise<void>;
  signOut: () => void;
  retry: () => void;
}

const Context = createContext<Session | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const queries = useQueryClient();

  const begin = useCallback((found: Me) => {
    setMe(found);
    setTrouble(null);
    live.start(found.position);
  }, []);

  const ask = useCallback(() => {
    said(api.GET('/v1/me'))
      .then(begin)
      .catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 401) setMe(null);
        else setTrouble(error);
      });
  }, [begin]);

  const signOut = useCallback(() => {
    holdKey(null);
    live.stop();
    queries.clear();
    setMe(null);
  }, [queries]);

  useEffect(() => {
    whenRefused(signOut);
    ask();
    return () => live.stop();
  }, [ask, signOut]);

  const session = useMemo<Session>(
    () => ({
      me,
      trouble,
      signOut,
      retry: ask,
      signIn: async (key) => {
        holdKey(key);
        try {
          begin(await said(api.GET('/v1/me')));
        } catch (error) {
          holdKey(null);
          throw error;
        }
      },
    }),
    [me, trouble, signOut, ask, begin],
  );
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error('outside of SessionProvider');
  return session;
}

/** Whether the one who is signed in may do what needs this role. */
export function useMay(role: Role): boolean {
  return may(useSession().me?.role, role);
}
