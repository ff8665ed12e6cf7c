/** The whole live state is a fold of frames: `apply(state, frame)`, pure; nothing else changes it but `timelines.ts` and `rows.ts`. */
import type { Conversation, Id, Message, ServerFrame, ViewSort } from "@switchboard/protocol";
import { place } from "./order";
import { empty, type Live, type Timeline, type View } from "./state";

export function apply(state: Live, frame: ServerFrame): Live {
  return advance(change(state, frame), frame);
}

/** Sent when everything up to their cursor was; the frames that one change of the log makes share a cursor instead. */
const WHOLE: ReadonlySet<string> = new Set([
  "hello",
  "resumed",
  "snapshot",
  "counters",
  "typing",
  "looking",
  "pong",
]);

function advance(state: Live, { cursor: at, type }: ServerFrame): Live {
  const whole = WHOLE.has(type) ? at : at > state.latest ? state.latest : state.cursor;
  if (whole <= state.cursor && at <= state.latest) return state;
  return { ...state, cursor: Math.max(state.cursor, whole), latest: Math.max(state.latest, at) };
}

function change(state: Live, frame: ServerFrame): Live {
  switch (frame.type) {
    case "resync":
      return forget(state);
    case "snapshot":
      return snapshot(state, frame.data.key, frame.data.items, frame.data.next);
    case "conversation":
      return conversation(state, frame.data.keys, frame.data.row);
    case "gone":
      return gone(state, frame.data.key, frame.data.id);
    case "message":
      return message(state, frame.data.row);
    case "counters":
      return { ...state, counters: frame.data };
    case "presence": {
      const { agent_id, ...presence } = frame.data;
      return { ...state, presence: { ...state.presence, [agent_id]: presence } };
    }
    case "typing": {
      const { conversation_id: id, by, until } = frame.data;
      const others = (state.typing[id] ?? []).filter((t) => t.id !== by.id || t.kind !== by.kind);
      return {
        ...state,
        typing: { ...state.typing, [id]: [...others, { ...by, until: Date.parse(until ?? "") || 0 }] },
      };
    }
    case "looking":
      return { ...state, looking: { ...state.looking, [frame.data.conversation_id]: frame.data.agents } };
    case "channel":
      return { ...state, channels: { ...state.channels, [frame.data.id]: frame.data } };
    case "notice":
      return { ...state, notice: frame.data };
    case "hello":
    case "resumed":
    case "changed":
    case "error":
    case "pong":
      return state;
    default:
      // A newer server may say more; what is not understood changes nothing.
      return state;
  }
}

/** What was known is no longer trusted. Lists stay visible, marked stale, until their snapshot comes. */
function forget(state: Live): Live {
  const stale = <T extends { fresh: boolean }>(all: Record<string, T>) =>
    Object.fromEntries(Object.entries(all).map(([key, one]) => [key, { ...one, fresh: false }]));
  return {
    ...empty,
    counters: state.counters,
    presence: state.presence,
    channels: state.channels,
    conversations: state.conversations,
    views: stale(state.views),
    timelines: stale(state.timelines),
  };
}

/** Takes a row unless a newer one is known. */
export function keep(rows: Record<Id, Conversation>, row: Conversation): Record<Id, Conversation> {
  const known = rows[row.id];
  return known && known.pos > row.pos ? rows : { ...rows, [row.id]: row };
}

export function viewOf(state: Live, key: string): View {
  return state.views[key] ?? { ids: [], sort: "last", next: null, fresh: false };
}

function snapshot(state: Live, key: string, items: Conversation[], next: View["next"]): Live {
  const conversations = items.reduce(keep, state.conversations);
  const view = viewOf(state, key);
  const ids = items.map((row) => row.id);
  const last = items.at(-1);
  // A snapshot repeated on a living connection renews the top of a list that was scrolled further.
  if (view.fresh && next !== null && last) {
    const at = view.ids.indexOf(last.id);
    const tail = at < 0 ? [] : view.ids.slice(at + 1).filter((id) => !ids.includes(id));
    if (tail.length > 0)
      return {
        ...state,
        conversations,
        views: { ...state.views, [key]: { ...view, ids: [...ids, ...tail] } },
      };
  }
  return { ...state, conversations, views: { ...state.views, [key]: { ...view, ids, next, fresh: true } } };
}

function conversation(state: Live, keys: string[], row: Conversation): Live {
  const conversations = keep(state.conversations, row);
  if (conversations === state.conversations) return state;
  return { ...state, conversations, views: reorder(state.views, keys, row, conversations) };
}

/** Puts a changed row to its place in the views it belongs to and in those that still show it. */
export function reorder(
  views: Live["views"],
  keys: string[],
  row: Conversation,
  rows: Record<Id, Conversation>,
): Live["views"] {
  const next = { ...views };
  for (const [key, view] of Object.entries(views)) {
    const shown = view.ids.includes(row.id);
    if (!shown && !keys.includes(key)) continue;
    const { ids, index } = place(view.ids, row, rows, view.sort);
    // At the end of an unfinished window the row may belong behind rows that are not loaded.
    const beyond = view.next !== null && index === ids.length - 1 && view.ids.at(-1) !== row.id;
    next[key] = { ...view, ids: beyond ? ids.slice(0, -1) : ids };
  }
  return next;
}

function gone(state: Live, key: string, id: Id): Live {
  const view = state.views[key];
  if (!view?.ids.includes(id)) return state;
  return { ...state, views: { ...state.views, [key]: { ...view, ids: view.ids.filter((x) => x !== id) } } };
}

/** Puts a message at its position; replaces an earlier state of it. */
export function insert(messages: Message[], row: Message): Message[] {
  const known = messages.findIndex((m) => m.id === row.id);
  if (known >= 0 && messages[known]?.position === row.position)
    return messages.map((m, i) => (i === known ? row : m));
  const rest = known >= 0 ? messages.filter((m) => m.id !== row.id) : messages;
  let at = rest.length;
  while (at > 0 && (rest[at - 1]?.position ?? 0) > row.position) at -= 1;
  return [...rest.slice(0, at), row, ...rest.slice(at)];
}

/** A message of the stream: new, or an earlier one changed. */
export function message(state: Live, row: Message): Live {
  const id = row.conversation_id;
  const typing = (state.typing[id] ?? []).filter((t) => t.name !== row.author.name);
  const quieter =
    typing.length === (state.typing[id] ?? []).length ? state.typing : { ...state.typing, [id]: typing };
  const line = state.timelines[id];
  if (!line || !within(line, row)) return { ...state, typing: quieter };
  const messages = insert(line.messages, row);
  return { ...state, typing: quieter, timelines: { ...state.timelines, [id]: { ...line, messages } } };
}

/** A change of a message outside the loaded stretch must not tear a hole into it. */
function within(line: Timeline, row: Message): boolean {
  const first = line.messages.at(0);
  const last = line.messages.at(-1);
  if (first && row.position < first.position) return !line.hasBefore;
  if (!last || row.position > last.position) return !line.hasAfter;
  return true;
}

/** Sets what a view will be ordered by; called before it is subscribed. */
export function openView(state: Live, key: string, sort: ViewSort): Live {
  const view = state.views[key];
  if (view && view.sort === sort) return state;
  return { ...state, views: { ...state.views, [key]: { ids: [], next: null, fresh: false, sort } } };
}
