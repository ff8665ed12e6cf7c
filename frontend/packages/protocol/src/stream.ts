import type {
  Channel,
  Conversation,
  ConversationStatus,
  Counters,
  Id,
  Instant,
  Message,
  Presence,
  PresenceStatus,
} from "./index";

export interface ViewFilter {
  status?: ConversationStatus[];
  /** `me`, `none` or an agent's id. */
  assignee?: string;
  team?: Id;
  channel?: Id;
  kind?: string;
  tag?: string;
}

export type ViewSort = "last" | "waiting";

export interface ViewSubscription {
  key: string;
  filter: ViewFilter;
  sort: ViewSort;
  limit: number;
}

/** What a client writes to the stream. A `subscribe` replaces the former one. */
export type ClientFrame =
  | { type: "subscribe"; views: ViewSubscription[]; conversations: Id[]; counters: boolean }
  | { type: "typing"; conversation_id: Id }
  | { type: "looking"; conversation_id: Id | null }
  | { type: "ping" };

/** Frames that carry the same cursor belong together: only the next higher one says that all of them have come. */
interface FrameData {
  hello: { agent_id: Id; at: Instant };
  /** What was missed since the client's cursor has been sent. */
  resumed: { from: number };
  /** The client drops what it has and subscribes again. */
  resync: { reason: string };
  /** `next`: the REST cursor of the rows after these; null when there are none. */
  snapshot: { key: string; items: Conversation[]; next: string | null };
  /** The current row and the subscribed views that it belongs to; none for a followed conversation elsewhere. */
  conversation: { keys: string[]; row: Conversation };
  /** The conversation left this view. */
  gone: { key: string; id: Id };
  /** New or changed, of a followed conversation. */
  message: { row: Message };
  counters: Counters;
  presence: { agent_id: Id; status: PresenceStatus; load: Presence["load"]; capacity: Presence["capacity"] };
  typing: { conversation_id: Id; by: { kind: string; id: Id | null; name: string }; until?: Instant };
  looking: { conversation_id: Id; agents: { id: Id; name: string }[] };
  channel: Channel;
  /** Settings to be read again: `channels`, `teams`, `agents`, … */
  changed: { what: string[] };
  error: { code: string; message: string };
  notice: { code: string; text: string };
  pong: Record<string, never>;
}

export type FrameType = keyof FrameData;

export type ServerFrame = { [T in FrameType]: { cursor: number; type: T; data: FrameData[T] } }[FrameType];
