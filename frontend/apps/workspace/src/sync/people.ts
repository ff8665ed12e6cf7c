import type {
  Agent,
  AgentChange,
  ApiKey,
  AuditEntry,
  Id,
  Invitation,
  Page,
  Presence,
  Role,
  Team,
} from "@switchboard/protocol";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useLive } from "./live/store";
import { del, get, patch, post } from "./rest";
import { queries } from "./session";

const list = async <T>(path: string) => {
  const answer = await get<Page<T> | T[]>(path);
  return Array.isArray(answer) ? answer : answer.items;
};
const again =
  (...key: string[]) =>
  () =>
    queries.invalidateQueries({ queryKey: key });

export const useAgents = () => useQuery({ queryKey: ["agents"], queryFn: () => list<Agent>("/agents") });
export const useTeams = () => useQuery({ queryKey: ["teams"], queryFn: () => list<Team>("/teams") });

export function useAgent(id: Id | null | undefined): Agent | undefined {
  return useAgents().data?.find((agent) => agent.id === id);
}

/** Presence as the stream last told, else as the list said. */
export function usePresence(agent: Agent): Presence {
  return useLive((s) => s.presence[agent.id]) ?? agent.presence;
}

export const useChangeAgent = () =>
  useMutation({
    mutationFn: ({ id, ...change }: AgentChange & { id: Id }) => patch<Agent>(`/agents/${id}`, change),
    onSuccess: again("agents"),
  });

export const useInvitations = (enabled: boolean) =>
  useQuery({ queryKey: ["invitations"], enabled, queryFn: () => list<Invitation>("/invitations") });

export const useInvite = () =>
  useMutation({
    mutationFn: (form: { email: string; name: string; role: Role; team_ids: Id[] }) =>
      post<Invitation>("/invitations", form),
    onSuccess: again("invitations"),
  });

export const useWithdraw = () =>
  useMutation({ mutationFn: (id: Id) => del(`/invitations/${id}`), onSuccess: again("invitations") });

export const useSaveTeam = () =>
  useMutation({
    mutationFn: ({ id, name }: { id?: Id; name: string }) =>
      id ? patch<Team>(`/teams/${id}`, { name }) : post<Team>("/teams", { name }),
    onSuccess: again("teams"),
  });

export const useDeleteTeam = () =>
  useMutation({ mutationFn: (id: Id) => del(`/teams/${id}`), onSuccess: again("teams") });

export const useApiKeys = () =>
  useQuery({ queryKey: ["api-keys"], queryFn: () => list<ApiKey>("/api-keys") });

export const useCreateKey = () =>
  useMutation({
    mutationFn: (form: { name: string; scopes: string[] }) => post<ApiKey>("/api-keys", form),
    onSuccess: again("api-keys"),
  });

export const useDeleteKey = () =>
  useMutation({ mutationFn: (id: Id) => del(`/api-keys/${id}`), onSuccess: again("api-keys") });

export const useAudit = () =>
  useInfiniteQuery({
    queryKey: ["audit"],
    initialPageParam: "",
    queryFn: ({ pageParam }) => get<Page<AuditEntry>>("/audit", { cursor: pageParam, limit: 50 }),
    getNextPageParam: (page) => page.next,
  });
