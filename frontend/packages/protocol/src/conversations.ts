import type { Id, Instant, Part, OutgoingPart } from "./index";

export type ConversationStatus = "new" | "open" | "pending" | "snoozed" | "resolved";
export type Priority = 0 | 1 | 2 | 3;

/** A row of the inbox. */
export interface Conversation {
  id: Id;
  /** Changes with status, assignment and agents' replies; sent back as `expected_version`. */
  version: number;
  /** Grows with every change of the row. */
  pos: number;
  contact: { id: Id; name: string; avatar_url: string | null };
  status: ConversationStatus;
  priority: Priority;
  slot: string;
  subject: string | null;
  channel_id: Id | null;
  kind: string;
  kinds: string[];
  team_id: Id | null;
  assignee_id: Id | null;
  preview: string;
  last_at: Instant;
  last_direction: "in" | "out" | "note";
  waiting_since: Instant | null;
  unread: number;
  tags: string[];
  snoozed_until: Instant | null;
}

export interface ReplyChannel {
  channel_id: Id;
  kind: string;
  name: string;
  address: string;
  verified: boolean;
  /** End of the platform's reply window; null where there is none. */
  window_until: Instant | null;
  default: boolean;
  /** Why it can't be used now; empty when it can. */
  reason: string;
}

export interface Assignment {
  agent_id: Id | null;
  team_id: Id | null;
  by: string | null;
  note: string | null;
  at: Instant;
}

export interface ConversationDetail extends Conversation {
  contact_detail: Contact;
  reply_channels: ReplyChannel[];
  assignments: Assignment[];
}

export type Direction = "in" | "out" | "note" | "event";
export type DeliveryStatus = "queued" | "sent" | "delivered" | "read" | "failed" | "in_doubt";

export interface Message {
  id: Id;
  conversation_id: Id;
  /** Order in the timeline of its conversation. */
  position: number;
  direction: Direction;
  author: { kind: "contact" | "agent" | "system" | "bot" | "platform"; id: Id | null; name: string };
  channel_id: Id | null;
  kind: string | null;
  parts: Part[];
  /** The sender's own clock; shown. */
  occurred_at: Instant;
  filed_at: Instant;
  status: DeliveryStatus | null;
  error: { code: string; message: string } | null;
  edited_at: Instant | null;
  recalled_at: Instant | null;
  reply_to: { id: Id; preview: string; author_name: string } | null;
  reactions: { emoji: string; name: string }[];
  client_id: string | null;
  /** Read from the past, when a channel was connected. */
  backfill?: boolean;
}

export interface OutgoingMessage {
  parts: OutgoingPart[];
  channel_id?: Id;
  reply_to?: Id;
  note?: boolean;
  expected_version?: number;
  client_id?: string;
}

export interface Counters {
  views: Partial<Record<"mine" | "unassigned" | "all_open" | "waiting" | "snoozed" | "resolved", number>>;
  by_team: Record<Id, number>;
  by_channel: Record<Id, number>;
  by_agent: Record<Id, number>;
}

export interface Identity {
  id: Id;
  space: string;
  value: string;
  label: string | null;
  verified: boolean;
}

export interface Contact {
  id: Id;
  name: string;
  avatar_url: string | null;
  level: string | null;
  notes: string | null;
  language: string | null;
  tags: string[];
  attributes: Record<string, unknown>;
  identities: Identity[];
  claims: { space: string; value: string }[];
  created_at: Instant;
  last_seen_at: Instant | null;
}

export interface MergeSuggestion {
  contact: Contact;
  because: { space: string; value: string };
}

export interface MessageHit {
  message_id: Id;
  conversation_id: Id;
  position: number;
  contact_name: string;
  kind: string | null;
  at: Instant;
  snippet: string;
  /** Ranges of `snippet` that match, counted in characters (code points). */
  marks: { start: number; end: number }[];
}

export interface ContactHit {
  id: Id;
  name: string;
  avatar_url: string | null;
  level?: string | null;
  identities?: Identity[];
  last_seen_at?: Instant | null;
}

export interface SearchAnswer {
  messages: MessageHit[];
  contacts: ContactHit[];
  next: string | null;
}
