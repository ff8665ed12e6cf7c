/** The conversation as the visitor sees it: a pure state that frames and the visitor's own actions move on. */
import type { Part } from "./parts";
import type { Agent, Message, ServerFrame } from "./wire";

/** A message written here that the server has not filed yet. */
export interface Outgoing {
  client_id: string;
  parts: Part[];
  at: string;
  /** "waiting" is resent until it is acknowledged; "sent" was acknowledged and waits for its place in the timeline */
  state: "uploading" | "waiting" | "sent" | "failed";
  /** share of the upload done, 0 to 1 */
  progress?: number;
  /** known once the server has filed it */
  position?: number;
  error?: { code: string; message: string };
}

export interface Conversation {
  /** ascending by position, unique by id */
  messages: readonly Message[];
  /** in the order in which they were written */
  outbox: readonly Outgoing[];
  /** older messages exist than the first one held */
  more: boolean;
  /** the highest position that the server has pushed; acknowledgements do not count, an earlier message may still be on its way */
  seen: number;
  readByAgent: number;
  readByVisitor: number;
  /** unread messages that are older than those held */
  unreadBefore: number;
  online: boolean;
  agent: Agent | null;
  queuePosition: number | null;
  typing: string | null;
}

export type Action =
  | { type: "frame"; frame: ServerFrame }
  | { type: "write"; outgoing: Outgoing }
  | { type: "progress"; client_id: string; progress: number }
  | { type: "uploaded"; client_id: string; parts: Part[] }
  | { type: "fail"; client_id: string; error: { code: string; message: string } }
  | { type: "retry"; client_id: string; state: "uploading" | "waiting" }
  | { type: "discard"; client_id: string }
  | { type: "read"; position: number }
  | { type: "typing over" }
  | { type: "forget"; keepOutbox: boolean };

export const EMPTY: Conversation = {
  messages: [],
  outbox: [],
  more: false,
  seen: 0,
  readByAgent: 0,
  readByVisitor: 0,
  unreadBefore: 0,
  online: true,
  agent: null,
  queuePosition: null,
  typing: null,
};

export function reduce(state: Conversation, action: Action): Conversation {
  switch (action.type) {
    case "frame":
      return applyFrame(state, action.frame);
    case "write":
      if (find(state, action.outgoing.client_id)) return state;
      return { ...state, outbox: [...state.outbox, action.outgoing] };
    case "progress":
      return change(state, action.client_id, { progress: action.progress });
    case "uploaded":
      return change(state, action.client_id, { parts: action.parts, state: "waiting", progress: undefined });
    case "fail":
      return change(state, action.client_id, { state: "failed", error: action.error, progress: undefined });
    case "retry":
      return change(state, action.client_id, { state: action.state, error: undefined });
    case "discard":
      return { ...state, outbox: state.outbox.filter((item) => item.client_id !== action.client_id) };
    case "read":
      return action.position > state.readByVisitor
        ? { ...state, readByVisitor: action.position, unreadBefore: 0 }
        : state;
    case "typing over":
      return state.typing === null ? state : { ...state, typing: null };
    case "forget":
      return { ...EMPTY, online: state.online, outbox: action.keepOutbox ? state.outbox : [] };
  }
}

function applyFrame(state: Conversation, frame: ServerFrame): Conversation {
  switch (frame.type) {
    case "ready": {
      // A resumed connection whose answer had to be cut leaves a hole after what we hold: start again from the newest page.
      const fresh = state.seen === 0 || frame.more;
      const base = fresh ? { ...state, messages: [], more: frame.more } : state;
      const readByVisitor = Math.max(state.readByVisitor, frame.read ?? 0);
      const next = { ...file(base, frame.history), readByVisitor, online: frame.online, agent: frame.agent };
      const unreadBefore = Math.max(0, (frame.unread ?? 0) - unreadHeld(next));
      return { ...next, unreadBefore, typing: null };
    }
    case "message": {
      const next = file(state, [frame.message]);
      return frame.message.direction === "out" && next !== state ? { ...next, typing: null } : next;
    }
    case "history": {
      const next = { ...file(state, frame.messages), more: frame.more };
      const found = unreadHeld(next) - unreadHeld(state);
      return { ...next, unreadBefore: Math.max(0, state.unreadBefore - found) };
    }
    case "ack": {
      const item = find(state, frame.client_id);
      if (!item || item.state === "sent") return state;
      const position = frame.position ?? undefined;
      return change(state, frame.client_id, { state: "sent", position, error: undefined });
    }
    case "error":
      if (!frame.client_id || find(state, frame.client_id)?.state === "sent") return state;
      return change(state, frame.client_id, {
        state: "failed",
        error: { code: frame.code, message: frame.message },
      });
    case "typing":
      return { ...state, typing: frame.name };
    case "read":
      return frame.position > state.readByAgent ? { ...state, readByAgent: frame.position } : state;
    case "status":
      return { ...state, online: frame.online, agent: frame.agent, queuePosition: frame.queue_position };
    default:
      return state;
  }
}

/** Puts messages at their place, each id once, and takes from the outbox what has arrived. */
function file(state: Conversation, incoming: readonly Message[]): Conversation {
  const byId = new Map(state.messages.map((message) => [message.id, message]));
  let changed = false;
  for (const message of incoming) {
    const held = byId.get(message.id);
    if (held && !isNewer(message, held)) continue;
    byId.set(message.id, message);
    changed = true;
  }
  const arrived = new Set(incoming.flatMap((message) => message.client_id ?? []));
  const outbox = state.outbox.filter((item) => !arrived.has(item.client_id));
  const seen = incoming.reduce((highest, message) => Math.max(highest, message.position), state.seen);
  if (!changed && outbox.length === state.outbox.length && seen === state.seen) return state;
  const messages = [...byId.values()].sort((a, b) => a.position - b.position);
  return { ...state, messages, outbox: outbox.length === state.outbox.length ? state.outbox : outbox, seen };
}

/** Frames may repeat or overtake one another: an edit or a recall is never undone by an older copy. */
function isNewer(message: Message, held: Message): boolean {
  if (held.recalled_at) return false;
  if (message.recalled_at) return true;
  return (message.edited_at ?? "") > (held.edited_at ?? "") || message.position !== held.position;
}

function find(state: Conversation, clientId: string): Outgoing | undefined {
  return state.outbox.find((item) => item.client_id === clientId);
}

function change(state: Conversation, clientId: string, to: Partial<Outgoing>): Conversation {
  if (!find(state, clientId)) return state;
  const outbox = state.outbox.map((item) => (item.client_id === clientId ? { ...item, ...to } : item));
  return { ...state, outbox };
}

export type Delivery = Outgoing["state"] | "filed" | "read";

/** One bubble of the timeline, wherever it stands. */
export interface Entry {
  key: string;
  mine: boolean;
  author: string | null;
  parts: readonly Part[];
  at: string;
  edited: boolean;
  recalled: boolean;
  /** null for the company's messages */
  delivery: Delivery | null;
  outgoing: Outgoing | null;
}

/** Filed messages in order; what is not filed yet comes last, unless its position is known already. */
export function timeline(state: Conversation): Entry[] {
  const placed = [
    ...state.messages.map((message) => ({ position: message.position, entry: fromMessage(state, message) })),
    ...state.outbox.map((item) => ({ position: item.position ?? Infinity, entry: fromOutgoing(item) })),
  ];
  // Infinity - Infinity is not a number: equal places keep their order.
  placed.sort((a, b) => (a.position === b.position ? 0 : a.position - b.position));
  return placed.map(({ entry }) => entry);
}

function fromMessage(state: Conversation, message: Message): Entry {
  const mine = message.direction === "in";
  return {
    key: (mine && message.client_id) || message.id,
    mine,
    author: message.author?.name ?? null,
    parts: message.parts,
    at: message.at,
    edited: Boolean(message.edited_at),
    recalled: Boolean(message.recalled_at),
    delivery: mine ? (message.position <= state.readByAgent ? "read" : "filed") : null,
    outgoing: null,
  };
}

function fromOutgoing(item: Outgoing): Entry {
  return {
    key: item.client_id,
    mine: true,
    author: null,
    parts: item.parts,
    at: item.at,
    edited: false,
    recalled: false,
    delivery: item.state,
    outgoing: item,
  };
}

export function unread(state: Conversation): number {
  return state.unreadBefore + unreadHeld(state);
}

function unreadHeld(state: Conversation): number {
  return state.messages.filter(
    (m) => m.direction === "out" && !m.recalled_at && m.position > state.readByVisitor,
  ).length;
}

export function lastPosition(state: Conversation): number {
  return state.messages[state.messages.length - 1]?.position ?? 0;
}
