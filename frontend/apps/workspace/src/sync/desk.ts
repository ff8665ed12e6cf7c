/** Reading and changing one conversation. */
import type {
  Conversation,
  ConversationDetail,
  FileRef,
  Id,
  Message,
  Schemas,
  Started,
  StoredFile,
} from "@switchboard/protocol";
import { useMutation, useQuery } from "@tanstack/react-query";
import { keepMessage, keepRow } from "./live/timelines";
import { onSettings, onTouched, useLive } from "./live/store";
import { get, patch, post, ProblemError, rest } from "./rest";
import { queries } from "./session";

const detailKey = (id: Id) => ["conversation", id];

export const useConversationDetail = (id: Id) =>
  useQuery({
    queryKey: detailKey(id),
    staleTime: 5_000,
    queryFn: async () => {
      const detail = await get<ConversationDetail>(`/conversations/${id}`);
      keepRow(detail);
      return detail;
    },
  });

/** The newest known row: from the stream, or from the last read. */
export function useConversation(id: Id): Conversation | undefined {
  return useLive((s) => s.conversations[id]);
}

/** Which lists show a kind of setting. */
const LISTS: Record<string, string[]> = {
  channels: ["channels", "connections"],
  agent: ["agents", "teams"],
  team: ["teams", "agents"],
  invitation: ["invitations"],
  api_key: ["api-keys"],
};

const due = new Map<Id, ReturnType<typeof setTimeout>>();

/** What the stream does not carry (reply windows, assignments) is read again a moment after a change. */
export function watchChanges(): () => void {
  const settled = onSettings((what) => {
    for (const key of what.flatMap((one) => LISTS[one] ?? []))
      void queries.invalidateQueries({ queryKey: [key] });
  });
  const touched = onTouched((id) => {
    if (due.has(id)) return;
    const again = () => {
      due.delete(id);
      void queries.invalidateQueries({ queryKey: detailKey(id) });
    };
    due.set(id, setTimeout(again, 400));
  });
  return () => {
    settled();
    touched();
  };
}

export type Verb =
  | { verb: "take" }
  | { verb: "assign"; agent_id?: Id | null; team_id?: Id | null; note?: string }
  | { verb: "resolve" }
  | { verb: "reopen" }
  | { verb: "pend" }
  | { verb: "snooze"; until: string };

/** Lost a race: the conversation was changed by somebody else first. */
export function conflictOf(error: unknown): Conversation | null {
  return error instanceof ProblemError && error.status === 409 ? error.current : null;
}

export const useVerb = (row: Conversation | undefined) =>
  useMutation({
    mutationFn: ({ verb, ...body }: Verb) => {
      if (!row) throw new Error("no conversation");
      const guarded = verb === "take" || verb === "assign" ? { expected_version: row.version } : {};
      return post<Conversation>(`/conversations/${row.id}/${verb}`, { ...body, ...guarded });
    },
    onSuccess: keepRow,
    onError: (error) => {
      const current = conflictOf(error);
      if (current) keepRow(current);
    },
    onSettled: () => row && queries.invalidateQueries({ queryKey: detailKey(row.id) }),
  });

export const useChangeConversation = (id: Id) =>
  useMutation({
    mutationFn: (change: Schemas["ConversationChange"]) =>
      patch<Conversation>(`/conversations/${id}`, change),
    onSuccess: keepRow,
  });

export async function markRead(id: Id, position: number): Promise<void> {
  const row = await post<Conversation | undefined>(`/conversations/${id}/read`, { position });
  if (row) keepRow(row);
}

/** Answers the writer of a comment in private. */
export const usePrivateReply = () =>
  useMutation({
    mutationFn: ({ message, text, attempt }: { message: Id; text: string; attempt: string }) =>
      post<Started>(`/messages/${message}/private-reply`, { parts: [{ type: "text", text }] }, attempt),
    onSuccess: ({ conversation }) => keepRow(conversation),
  });

export const useResend = () =>
  useMutation({
    mutationFn: (id: Id) => post<Message>(`/messages/${id}/resend`),
    onSuccess: keepMessage,
  });

export function uploadFile(file: File, signal?: AbortSignal): Promise<StoredFile> {
  const form = new FormData();
  form.append("file", file, file.name);
  return rest<StoredFile>("POST", "/files", { form, signal, idempotencyKey: crypto.randomUUID() });
}

/** The text of a stored file, by its signed link. */
export const useFileText = (file: FileRef) =>
  useQuery({
    queryKey: ["file", file.id],
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const answer = await fetch(file.url, { signal });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      return answer.text();
    },
  });
