import type { Channel, Conversation, Counters, Id, Message, Presence, ViewSort } from "@switchboard/protocol";

/** A window on a list of conversations, in the order of `sort`. */
export interface View {
  ids: Id[];
  sort: ViewSort;
  /** Cursor of the rows after the window; null when the window holds all. */
  next: string | null;
  /** False until a snapshot came, and again from a resync until the next one. */
  fresh: boolean;
}

/** A gap-free stretch of one conversation's messages, ascending by position. */
export interface Timeline {
  messages: Message[];
  hasBefore: boolean;
  /** True after a jump into the past: newer messages exist that are not loaded. */
  hasAfter: boolean;
  /** False from a resync or reconnect until it was read again. */
  fresh: boolean;
}

export interface Typing {
  kind: string;
  id: Id | null;
  name: string;
  /** Milliseconds since 1970. */
  until: number;
}

export interface Live {
  /** Everything up to here has come; a new connection resumes from here. */
  cursor: number;
  /** Highest cursor seen; more frames with it may follow. */
  latest: number;
  conversations: Record<Id, Conversation>;
  views: Record<string, View>;
  timelines: Record<Id, Timeline>;
  counters: Counters | null;
  presence: Record<Id, Presence>;
  typing: Record<Id, Typing[]>;
  looking: Record<Id, { id: Id; name: string }[]>;
  channels: Record<Id, Channel>;
  notice: { code: string; text: string } | null;
}

export const empty: Live = {
  cursor: 0,
  latest: 0,
  conversations: {},
  views: {},
  timelines: {},
  counters: null,
  presence: {},
  typing: {},
  looking: {},
  channels: {},
  notice: null,
};
