import type { Bilingual, Id, Instant, Part } from "./index";

export interface WidgetConfig {
  name: string;
  colour: string;
  greeting: Bilingual;
  languages: string[];
  online: boolean;
  offline_form: boolean;
  /** Fields asked before the first message: `name`, `email`, `phone`. */
  pre_chat: string[];
  max_file_bytes: number;
}

export interface WidgetSessionRequest {
  visitor_token?: string;
  language: string;
  page: { url: string; title: string; referrer: string };
  /** The host page vouches for this person by HMAC. */
  user?: { id: string; hmac: string; name?: string; email?: string };
}

export interface WidgetSession {
  visitor_token: string;
  visitor: { id: Id; name: string };
}

export interface WidgetFile {
  id: Id;
  name: string;
  mime: string;
  size: number;
  url: string;
}

export interface WidgetMessage {
  id: Id;
  position: number;
  /** `in` is written by the visitor. */
  direction: "in" | "out";
  author: { name: string } | null;
  parts: Part[];
  at: Instant;
  client_id: string | null;
  edited_at: Instant | null;
  recalled_at: Instant | null;
}

export type WidgetOutgoingPart =
  | { type: "text"; text: string }
  | { type: "image" | "file"; file_id: Id }
  | { type: "choice"; id: string; title: string };

export type WidgetClientFrame =
  | { type: "hello"; token: string; after: number }
  | { type: "message"; client_id: string; parts: WidgetOutgoingPart[] }
  | { type: "typing" }
  | { type: "read"; position: number }
  | { type: "history"; before: number }
  | { type: "profile"; name?: string; email?: string; phone?: string }
  | { type: "page"; url: string; title: string }
  | { type: "ping" };

export type WidgetServerFrame =
  | {
      type: "ready";
      history: WidgetMessage[];
      more: boolean;
      online: boolean;
      agent: { name: string } | null;
    }
  /** Only after the message is committed. */
  | { type: "ack"; client_id: string; id: Id; position: number | null }
  | { type: "message"; message: WidgetMessage }
  | { type: "typing"; name: string }
  /** An agent has read up to this position. */
  | { type: "read"; position: number }
  | { type: "history"; messages: WidgetMessage[]; more: boolean }
  | { type: "error"; code: string; message: string; client_id?: string }
  | { type: "status"; online: boolean; queue_position: number | null; agent: { name: string } | null }
  | { type: "pong" };
