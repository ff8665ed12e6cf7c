/** What travels between a visitor's client and the server: snake_case, ids are UUIDs, times ISO 8601 in UTC. */
import type { Part } from "./parts";

type Id = string;
type Instant = string;

export interface Config {
  name: string;
  colour: string;
  greeting: { en: string; zh: string };
  languages: string[];
  online: boolean;
  offline_form: boolean;
  /** Fields asked before the first message: `name`, `email`, `phone`. */
  pre_chat: string[];
  max_file_bytes: number;
}

export interface SessionRequest {
  visitor_token?: string;
  language: string;
  page?: { url: string; title: string; referrer: string };
  /** Whom the company vouches for: by a short-lived token of its server, or by the HMAC of the id in a page. */
  user?: { token: string } | { id: string; hmac: string; name?: string; email?: string };
}

export interface Session {
  visitor_token: string;
  visitor: { id: Id; name: string };
}

export interface Agent {
  name: string;
}

export interface Message {
  id: Id;
  position: number;
  /** `in` is written by the visitor. */
  direction: "in" | "out";
  author: Agent | null;
  parts: Part[];
  at: Instant;
  client_id: string | null;
  edited_at: Instant | null;
  recalled_at: Instant | null;
}

/** A part as a client sends it: media name a file that was uploaded before. */
export type OutgoingPart =
  | { type: "text"; text: string }
  | { type: "image" | "file" | "audio" | "video"; file_id: Id; voice?: boolean; duration?: number }
  | { type: "choice"; id: string; title: string };

export type ClientFrame =
  | { type: "hello"; token: string; after: number }
  | { type: "message"; client_id: string; parts: OutgoingPart[]; at?: Instant }
  | { type: "typing" }
  /** What has reached the app, up to a position; `read` says that it was seen. */
  | { type: "delivered"; position: number }
  | { type: "read"; position: number }
  | { type: "history"; before: number }
  | { type: "profile"; name?: string; email?: string; phone?: string }
  | { type: "page"; url: string; title: string }
  | { type: "ping" };

export type ServerFrame =
  | {
      type: "ready";
      history: Message[];
      more: boolean;
      online: boolean;
      agent: Agent | null;
      /** How many messages of the company's the visitor has not read, on any device. */
      unread?: number;
      /** Up to where they have read. */
      read?: number;
    }
  /** Only after the message is committed. */
  | { type: "ack"; client_id: string; id: Id | null; position: number | null }
  | { type: "message"; message: Message }
  | { type: "typing"; name: string }
  /** An agent has read up to this position. */
  | { type: "read"; position: number }
  | { type: "history"; messages: Message[]; more: boolean }
  | { type: "error"; code: string; message: string; client_id?: string }
  | { type: "status"; online: boolean; queue_position: number | null; agent: Agent | null }
  | { type: "pong" };
