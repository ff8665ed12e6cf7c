import type {
  Alarm,
  ApprovedTemplate,
  Channel,
  Connection,
  ConnectionEvent,
  ConnectionHealth,
  ConnectionTest,
  ChannelChange,
  DeadLetter,
  DeadLetterWhole,
  Id,
  Kind,
  Page,
  StickerPack,
  TestSent,
} from "@switchboard/protocol";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useLive } from "./live/store";
import { del, get, patch, post, rest } from "./rest";
import { queries } from "./session";

const list = async <T>(path: string) => {
  const answer = await get<Page<T> | T[]>(path);
  return Array.isArray(answer) ? answer : answer.items;
};
const again = () =>
  Promise.all([
    queries.invalidateQueries({ queryKey: ["connections"] }),
    queries.invalidateQueries({ queryKey: ["channels"] }),
  ]);

export const useKinds = () =>
  useQuery({ queryKey: ["kinds"], staleTime: Infinity, queryFn: () => list<Kind>("/kinds") });

const NO_PACKS: StickerPack[] = [];

/** The stickers that channels of a kind send by name; none on most. */
export function useStickerPacks(kind: string): StickerPack[] {
  const out = useKinds().data?.find((one) => one.kind === kind)?.capabilities["out"];
  const sticker = (out as { sticker?: { packs?: StickerPack[] } | null } | undefined)?.sticker;
  return sticker?.packs ?? NO_PACKS;
}

/** Our own address of a sticker's picture: no browser asks the platform for it. */
export const stickerPicture = (channel: Id, key: string): string =>
  `/api/v1/channels/${channel}/sticker?key=${encodeURIComponent(key)}`;

/** Whether a kind's approved templates can be listed. */
export function useListsTemplates(kind: string | undefined): boolean {
  const out = useKinds().data?.find((one) => one.kind === kind)?.capabilities["out"];
  return Boolean((out as { lists_templates?: boolean } | undefined)?.lists_templates);
}

/** The platform's approved templates, asked for when somebody is about to choose one and kept for some minutes. */
export const useTemplates = (channel: Id | undefined, enabled: boolean) =>
  useQuery({
    queryKey: ["templates", channel],
    enabled: enabled && channel !== undefined,
    staleTime: 5 * 60_000,
    retry: false,
    queryFn: () => list<ApprovedTemplate>(`/channels/${channel}/templates`),
  });

export const useChannels = () =>
  useQuery({ queryKey: ["channels"], queryFn: () => list<Channel>("/channels") });

/** A channel with the status that the stream last told. */
export function useLiveChannel(channel: Channel): Channel {
  return useLive((s) => s.channels[channel.id]) ?? channel;
}

export const useConnections = () =>
  useQuery({
    queryKey: ["connections"],
    refetchInterval: 15_000,
    queryFn: () => list<Connection>("/connections"),
  });

export interface ConnectionForm {
  kind: string;
  name: string;
  config: Record<string, unknown>;
}

export const useCreateConnection = () =>
  useMutation({
    mutationFn: ({ force, ...form }: ConnectionForm & { force?: boolean }) =>
      rest<Connection>("POST", "/connections", {
        body: form,
        query: { force: force || undefined },
        idempotencyKey: crypto.randomUUID(),
      }),
    onSuccess: again,
  });

export const useChangeConnection = () =>
  useMutation({
    mutationFn: ({
      id,
      ...change
    }: {
      id: Id;
      name?: string;
      config?: Record<string, unknown>;
      disabled?: boolean;
    }) => patch<Connection>(`/connections/${id}`, change),
    onSuccess: again,
  });

export const useDeleteConnection = () =>
  useMutation({ mutationFn: (id: Id) => del(`/connections/${id}`), onSuccess: again });

export const useTestConnection = () =>
  useMutation({
    mutationFn: ({ id, ...form }: { id?: Id; kind?: string; config?: Record<string, unknown> }) =>
      post<ConnectionTest>(id ? `/connections/${id}/test` : "/connections/test", id ? {} : form),
    onSuccess: again,
  });

export const useConnectionEvents = (id: Id) =>
  useQuery({
    queryKey: ["connections", id, "events"],
    refetchInterval: 15_000,
    queryFn: () => list<ConnectionEvent>(`/connections/${id}/events`),
  });

export const useConnectionHealth = (id: Id) =>
  useQuery({
    queryKey: ["connections", id, "health"],
    refetchInterval: 15_000,
    queryFn: () => get<ConnectionHealth>(`/connections/${id}/health`),
  });

export const useSendTest = (id: Id) =>
  useMutation({
    mutationFn: (message: { channel_id: Id; address: string; text: string }) =>
      post<TestSent>(`/connections/${id}/test-message`, message),
  });

export const useAlarms = () =>
  useQuery({ queryKey: ["alarms"], refetchInterval: 30_000, queryFn: () => list<Alarm>("/alarms") });

export const useSeeAlarms = () =>
  useMutation({
    mutationFn: (ids: Id[]) => post<unknown>("/alarms/seen", { ids }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["alarms"] }),
  });

export const useChangeChannel = () =>
  useMutation({
    mutationFn: ({ id, ...change }: ChannelChange & { id: Id }) => patch<Channel>(`/channels/${id}`, change),
    onSuccess: again,
  });

export const useDeadLetters = () =>
  useInfiniteQuery({
    queryKey: ["dead-letters"],
    initialPageParam: "",
    queryFn: ({ pageParam }) => get<Page<DeadLetter>>("/dead-letters", { cursor: pageParam, limit: 50 }),
    getNextPageParam: (page) => page.next,
  });

export const useDeadLetter = (id: Id | null) =>
  useQuery({
    queryKey: ["dead-letters", id],
    enabled: id !== null,
    queryFn: () => get<DeadLetterWhole>(`/dead-letters/${id}`),
  });

const lettersAgain = () => queries.invalidateQueries({ queryKey: ["dead-letters"] });

export const useReplay = () =>
  useMutation({
    mutationFn: (id: Id) => post<unknown>(`/dead-letters/${id}/replay`),
    onSuccess: lettersAgain,
  });

export const useDiscard = () =>
  useMutation({ mutationFn: (id: Id) => del(`/dead-letters/${id}`), onSuccess: lettersAgain });
