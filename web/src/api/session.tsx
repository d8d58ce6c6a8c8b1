import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { may, type Role } from '../lib/words';
import { type About, api, holdToken, type Me, Problem, said, whenRefused } from './client';
import { live } from './live';

interface Session {
  /** Who is signed in; null: nobody, undefined: not known yet. */
  me: Me | null | undefined;
  /** Why the server could not be asked. */
  trouble: Problem | null;
  /** Which server it is. */
  about: About | null;
  signIn: (said: { key: string } | { name: string; password: string }) => Promise<void>;
  signOut: () => void;
  retry: () => void;
}

const Context = createContext<Session | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  const [about, setAbout] = useState<About | null>(null);
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const queries = useQueryClient();

  const begin = useCallback(async (found: Me) => {
    holdToken(found.csrf_token);
    const server = await said(api.GET('/v1/about'));
    setAbout(server);
    setMe(found);
    setTrouble(null);
    live.start(server.position);
  }, []);

  const ask = useCallback(() => {
    said(api.GET('/v1/session'))
      .then(begin)
      .catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 401) setMe(null);
        else setTrouble(error);
      });
  }, [begin]);

  const forget = useCallback(() => {
    holdToken(null);
    live.stop();
    queries.clear();
    setMe(null);
  }, [queries]);

  useEffect(() => {
    whenRefused(forget);
    ask();
    return () => live.stop();
  }, [ask, forget]);

  const session = useMemo<Session>(
    () => ({
      me,
      about,
      trouble,
      retry: ask,
      signIn: async (who) => begin(await said(api.POST('/v1/session', { body: who }))),
      signOut: () => {
        api
          .DELETE('/v1/session')
          .then(forget)
          .catch((error: unknown) => setTrouble(error as Problem));
      },
    }),
    [me, about, trouble, ask, begin, forget],
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
