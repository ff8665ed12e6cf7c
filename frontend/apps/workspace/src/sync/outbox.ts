/**
 * Messages on their way out. Shown at once, sent one after another per conversation, kept over a reload and an
 * outage; a message leaves only when the server has it (or a person throws it away).
 */
import type { Conversation, Id, Message, OutgoingMessage, OutgoingPart } from "@switchboard/protocol";
import { create } from "zustand";
import { readStored, writeStored } from "@/lib/stored";
import { keepMessage, keepRow } from "./live/timelines";
import { useLive } from "./live/store";
import { get, NoAnswer, post, ProblemError } from "./rest";

export interface Pending {
  client_id: string;
  conversation_id: Id;
  parts: OutgoingPart[];
  /** How files are called, by file id, for the list of what waits. */
  names: Record<Id, string>;
  channel_id?: Id;
  reply_to?: Id;
  note: boolean;
  at: string;
  state: "sending" | "waiting" | "failed";
  /** The server's own sentence. */
  reason: string | null;
  /** Somebody else was faster: the conversation as it is now. */
  conflict: Conversation | null;
  /** Send although somebody else answered meanwhile. */
  insist: boolean;
  /** Same for repeated attempts, so that a lost answer cannot double a message; new when a person tries again. */
  key: string;
  /** Fixed at the first attempt: a repeated request must be the same request. */
  version: number | null;
}

const KEY = "outbox";
/** Written by an earlier page: it may not have arrived, so it is sent again under the same key. */
const kept = readStored<Pending[]>(KEY, []).map((p) =>
  p.state === "sending" ? { ...p, state: "waiting" as const } : p,
);

export const useOutbox = create<{ items: Pending[] }>(() => ({ items: kept }));
useOutbox.subscribe(({ items }) => writeStored(KEY, items.length > 0 ? items : null));

/** Refusals that pass by themselves: the same request is under way, or nobody is signed in just now. */
const PASSING = new Set(["in_progress", "unauthenticated"]);

const busy = new Set<Id>();
let reader: Id = "";

export function outboxFor(agentId: Id): void {
  reader = agentId;
  flushOutbox();
}

function change(clientId: string, next: Partial<Pending> | null): void {
  useOutbox.setState(({ items }) => ({
    items: items.flatMap((p) => (p.client_id !== clientId ? [p] : next ? [{ ...p, ...next }] : [])),
  }));
}

export type Draft = Pick<Pending, "conversation_id" | "parts" | "note" | "channel_id" | "reply_to" | "names">;

export function sendMessage(draft: Draft): void {
  const item: Pending = {
    ...draft,
    client_id: crypto.randomUUID(),
    at: new Date().toISOString(),
    state: "sending",
    reason: null,
    conflict: null,
    insist: false,
    key: crypto.randomUUID(),
    version: null,
  };
  useOutbox.setState(({ items }) => ({ items: [...items, item] }));
  void drain(draft.conversation_id);
}

/** Tries everything that waits; called when the connection is back. */
export function flushOutbox(): void {
  const waiting = new Set(
    useOutbox
      .getState()
      .items.filter((p) => p.state !== "failed")
      .map((p) => p.conversation_id),
  );
  for (const id of waiting) void drain(id);
}

export function retryMessage(clientId: string, insist = false): void {
  const item = useOutbox.getState().items.find((p) => p.client_id === clientId);
  if (!item) return;
  change(clientId, {
    state: "sending",
    reason: null,
    conflict: null,
    insist: insist || item.insist,
    key: crypto.randomUUID(),
    version: null,
  });
  void drain(item.conversation_id);
}

export function discardMessage(clientId: string): void {
  change(clientId, null);
}

async function drain(conversation: Id): Promise<void> {
  if (busy.has(conversation)) return;
  busy.add(conversation);
  try {
    for (;;) {
      const next = useOutbox
        .getState()
        .items.find((p) => p.conversation_id === conversation && p.state !== "failed");
      if (!next || !(await deliver(next))) return;
    }
  } finally {
    busy.delete(conversation);
  }
}

/** True when the next one may be tried. */
async function deliver(item: Pending): Promise<boolean> {
  const row = useLive.getState().conversations[item.conversation_id];
  const version = item.version ?? (guarded(item, row) ? (row?.version ?? null) : null);
  change(item.client_id, { state: "sending", version });
  try {
    const path = `/conversations/${item.conversation_id}`;
    const sent = await post<Message>(`${path}/messages`, bodyOf(item, version), item.key);
    keepMessage(sent);
    change(item.client_id, null);
    if (version !== null) keepRow(await get<Conversation>(path));
    return true;
  } catch (error) {
    return failed(item, error);
  }
}

function failed(item: Pending, error: unknown): boolean {
  const problem = error instanceof ProblemError ? error : null;
  if (problem && problem.status < 500 && !PASSING.has(problem.code) && problem.status !== 429) {
    change(item.client_id, { state: "failed", reason: problem.message, conflict: problem.current });
    if (problem.current) keepRow(problem.current);
    return true;
  }
  change(item.client_id, { state: "waiting", reason: error instanceof NoAnswer ? null : String(error) });
  setTimeout(() => void drain(item.conversation_id), (problem?.retryAfter ?? 5) * 1000);
  return false;
}

/** Whose conversation it is not must see that nobody else answered since; notes never collide. */
function guarded(item: Pending, row: Conversation | undefined): boolean {
  return !item.note && !item.insist && row !== undefined && row.assignee_id !== reader;
}

function bodyOf(item: Pending, version: number | null): OutgoingMessage {
  return {
    parts: item.parts,
    client_id: item.client_id,
    note: item.note || undefined,
    channel_id: item.note ? undefined : item.channel_id,
    reply_to: item.reply_to,
    expected_version: version ?? undefined,
  };
}
