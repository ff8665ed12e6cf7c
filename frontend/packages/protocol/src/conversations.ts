import type { Part } from "./parts";
import type { Exactly, Schemas } from "./schemas";

export type ConversationStatus = "new" | "open" | "pending" | "snoozed" | "resolved";
export type Priority = 0 | 1 | 2 | 3;
export type LastDirection = "in" | "out" | "note";

interface RowWords {
  status: ConversationStatus;
  priority: Priority;
  last_direction: LastDirection;
}

/**
 * A row of the inbox. `version` changes with status, assignment and agents' replies and is sent back as
 * `expected_version`; `pos` grows with every change of the row.
 */
export type Conversation = Exactly<Schemas["Conversation"], RowWords>;
export type ConversationDetail = Exactly<Schemas["ConversationDetail"], RowWords>;
/** `window_until`: end of the platform's reply window, null where there is none. */
export type ReplyChannel = Schemas["ReplyChannel"];
export type Assignment = Schemas["Assignment"];

export type Direction = "in" | "out" | "note" | "event";
export type DeliveryStatus = "queued" | "sent" | "delivered" | "read" | "failed" | "in_doubt";
export type AuthorKind = "contact" | "agent" | "system" | "bot" | "platform";

/** `position` is the order in its conversation; `occurred_at` is the sender's own clock and is shown. */
export type Message = Omit<
  Exactly<
    Schemas["Message"],
    {
      direction: Direction;
      status: DeliveryStatus | null;
      author: Exactly<Schemas["Author"], { kind: AuthorKind }>;
    }
  >,
  "parts"
> & { parts: Part[] };

export type OutgoingMessage = Schemas["NewMessage"];
/** The first message to somebody, and by which channel. */
export type Outset = Schemas["Outset"];
export type Started = Omit<Schemas["Started"], "conversation" | "message"> & {
  conversation: Conversation;
  message: Message;
};

export type View = "mine" | "unassigned" | "all_open" | "waiting" | "snoozed" | "resolved";
export type Counters = Omit<Schemas["Counters"], "views"> & { views: Partial<Record<View, number>> };

export type Identity = Schemas["Identity"];
export type Contact = Schemas["Contact"];
export type NewContact = Schemas["NewContact"];
export type ContactChange = Schemas["ContactChange"];
export type Merged = Schemas["Merged"];
export type MergeSuggestion = Schemas["Suggestion"];

/** `marks` are the ranges of `snippet` that match, counted in characters (code points). */
export type MessageHit = Schemas["MessageHit"];
export type ContactHit = Contact;
export type SearchAnswer = Schemas["SearchAnswer"];
