import type {
  InvitationLookup,
  Me,
  PresenceStatus,
  Profile,
  SessionAnswer,
  SessionInfo,
  Page,
  Schemas,
} from "@switchboard/protocol";
import { QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { changeLive } from "./live/store";
import { empty } from "./live/state";
import { del, get, NoAnswer, patch, post, ProblemError, put, setCsrf, whenSignedOut } from "./rest";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (count, error) =>
        count < 3 && (error instanceof NoAnswer || (error instanceof ProblemError && error.status >= 500)),
    },
  },
});

const SESSION = ["session"];

whenSignedOut(() => queries.setQueryData(SESSION, null));

function entered(answer: SessionAnswer): Me {
  setCsrf(answer.csrf);
  queries.setQueryData(SESSION, answer.me);
  return answer.me;
}

/** Who is signed in; null when nobody is. */
export async function currentSession(): Promise<Me | null> {
  return queries.fetchQuery({
    queryKey: SESSION,
    staleTime: Infinity,
    queryFn: async () => {
      try {
        const answer = await get<SessionAnswer>("/sessions/current");
        setCsrf(answer.csrf);
        return answer.me;
      } catch (error) {
        if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) return null;
        throw error;
      }
    },
  });
}

/** Asks again whether the session lives, after the stream was refused. */
export async function checkSession(): Promise<void> {
  await get<SessionAnswer>("/sessions/current").catch((error: unknown) => {
    if (error instanceof ProblemError && error.status === 401) queries.setQueryData(SESSION, null);
  });
}

export function useSession(): Me | null {
  return (
    useQuery<Me | null>({ queryKey: SESSION, queryFn: () => null, enabled: false, staleTime: Infinity })
      .data ?? null
  );
}

/** Given by the shell to everything behind the sign-in; stays while the screens of who left are taken down. */
export const SignedInAs = createContext<Me | null>(null);

/** The signed-in person; only for screens behind the sign-in. */
export function useMe(): Me {
  const me = useContext(SignedInAs);
  if (!me) throw new Error("nobody is signed in");
  return me;
}

export function useMay(): (permission: string) => boolean {
  const { permissions } = useMe();
  return (permission) => permissions.includes(permission);
}

export const useSignIn = () =>
  useMutation({
    mutationFn: (form: { email: string; password: string }) => post<SessionAnswer>("/sessions", form),
    onSuccess: entered,
  });

/** Another of one's workspaces: the page begins anew, so that nothing of the former one stays in it. */
export const useSwitchWorkspace = () =>
  useMutation({
    mutationFn: (form: Schemas["SignIn"]) => post<SessionAnswer>("/sessions", form),
    onSuccess: () => location.assign("/"),
  });

export async function signOut(): Promise<void> {
  await del("/sessions/current").catch(() => undefined);
  // What screens show belongs to who left; the session itself stays, so that the page hears of its end.
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION[0] });
  changeLive(() => empty);
  queries.setQueryData(SESSION, null);
}

export const useInvitationLookup = (token: string) =>
  useQuery({
    queryKey: ["invitation", token],
    queryFn: () => get<InvitationLookup>("/invitations/lookup", { token }),
    retry: false,
  });

export const useAcceptInvitation = () =>
  useMutation({
    mutationFn: (form: { token: string; name: string; password: string }) =>
      post<SessionAnswer>("/invitations/accept", form),
    onSuccess: entered,
  });

export const useChangeMe = () =>
  useMutation({
    mutationFn: (change: Profile) => patch<Me>("/me", change),
    onMutate: (change) => {
      queries.setQueryData<Me | null>(
        SESSION,
        (me) => me && { ...me, agent: { ...me.agent, ...change } as Me["agent"] },
      );
    },
  });

export const useChangePassword = () =>
  useMutation({
    mutationFn: (form: { current: string; new: string }) => post<undefined>("/me/password", form),
  });

export const useSetPresence = () =>
  useMutation({ mutationFn: (status: PresenceStatus) => put<unknown>("/presence", { status }) });

export const useMySessions = () =>
  useQuery({
    queryKey: ["sessions"],
    queryFn: async () => (await get<Page<SessionInfo>>("/sessions")).items,
  });

export const useEndSession = () =>
  useMutation({
    mutationFn: (id: string) => del(`/sessions/${id}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
