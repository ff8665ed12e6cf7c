/** Pages read by REST, folded into the live state. Pure, like `apply`. */
import type { Conversation, Id, Message, Page } from "@switchboard/protocol";
import { insert, keep, reorder, viewOf } from "./apply";
import type { Live, Timeline, View } from "./state";

/** More rows of a view, after its window. Asked with `cursor`; dropped when the window has moved since. */
export function addRows(state: Live, key: string, cursor: View["next"], page: Page<Conversation>): Live {
  const view = viewOf(state, key);
  if (view.next !== cursor) return state;
  const conversations = page.items.reduce(keep, state.conversations);
  const known = new Set(view.ids);
  const ids = [...view.ids, ...page.items.map((row) => row.id).filter((id) => !known.has(id))];
  return { ...state, conversations, views: { ...state.views, [key]: { ...view, ids, next: page.next } } };
}

export function addRow(state: Live, row: Conversation): Live {
  const conversations = keep(state.conversations, row);
  if (conversations === state.conversations) return state;
  return { ...state, conversations, views: reorder(state.views, [], row, conversations) };
}

type Stretch = "latest" | "before" | "after" | "around";

/** Messages of one conversation: the latest, those before or after the loaded stretch, or a new stretch around a hit. */
export function addMessages(state: Live, id: Id, stretch: Stretch, items: Message[], more: boolean): Live {
  const line = state.timelines[id];
  const set = (next: Timeline): Live => ({ ...state, timelines: { ...state.timelines, [id]: next } });
  if (stretch === "around") return set({ messages: items, hasBefore: true, hasAfter: more, fresh: true });
  if (stretch === "latest") return set(latest(line, items, more));
  if (!line) return state;
  const messages = items.reduce(insert, line.messages);
  if (stretch === "before") return set({ ...line, messages, hasBefore: more });
  return set({ ...line, messages, hasAfter: more, fresh: line.fresh || !more });
}

function latest(line: Timeline | undefined, items: Message[], more: boolean): Timeline {
  const first = items.at(0);
  const last = line?.messages.at(-1);
  const touches = line && !line.hasAfter && first && last && first.position <= last.position + 1;
  if (!touches) return { messages: items, hasBefore: more, hasAfter: false, fresh: true };
  return { ...line, messages: items.reduce(insert, line.messages), hasAfter: false, fresh: true };
}

/** Drops timelines that are no longer followed: their changes would be missed. */
export function retain(state: Live, followed: Id[]): Live {
  const kept = Object.entries(state.timelines).filter(([id]) => followed.includes(id));
  if (kept.length === Object.keys(state.timelines).length) return state;
  return { ...state, timelines: Object.fromEntries(kept) };
}
