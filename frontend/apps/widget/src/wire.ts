/** What travels between the widget and the server: REST bodies and socket frames of one channel. */

export interface StoredFile {
  id: string;
  name: string;
  mime: string;
  /** bytes */
  size: number;
  /** signed, relative to the server, or absolute */
  url: string;
  width?: number | null;
  height?: number | null;
}

export interface Button {
  id: string;
  title: string;
  url?: string | null;
}

export interface TextPart {
  type: "text";
  text: string;
}

export interface MediaPart {
  type: "image" | "audio" | "video" | "file" | "sticker";
  file: StoredFile | null;
  caption?: string | null;
  name?: string | null;
  size?: number | null;
  state?: string;
}

export interface ChoicesPart {
  type: "choices";
  text: string;
  buttons: Button[];
}

export interface ChoicePart {
  type: "choice";
  id: string;
  title: string;
}

export interface LinkPart {
  type: "link";
  url: string;
  title?: string | null;
  description?: string | null;
}

export interface LocationPart {
  type: "location";
  latitude: number;
  longitude: number;
  name?: string | null;
  address?: string | null;
}

/** Parts that the widget shows as plain words; every field may be missing. */
export interface WordsPart {
  type: "template" | "notice" | "contact" | "order" | "product" | "form" | "unsupported";
  text?: string | null;
  name?: string | null;
  title?: string | null;
}

export type Part = TextPart | MediaPart | ChoicesPart | ChoicePart | LinkPart | LocationPart | WordsPart;

export interface Message {
  id: string;
  /** grows along the conversation, with gaps: messages of other channels are not shown here */
  position: number;
  /** seen from the company: "in" was written by the visitor */
  direction: "in" | "out";
  author: { name: string } | null;
  parts: Part[];
  /** ISO-8601 UTC */
  at: string;
  client_id: string | null;
  edited_at: string | null;
  recalled_at: string | null;
}

export interface Agent {
  name: string;
}

export interface Profile {
  name?: string;
  email?: string;
  phone?: string;
}

export type ProfileField = keyof Profile;

export interface Config {
  name: string;
  colour: string;
  greeting: { en?: string; zh?: string };
  languages: string[];
  online: boolean;
  offline_form: boolean;
  pre_chat: ProfileField[];
  max_file_bytes: number;
}

/** A person whom the host page vouches for; `hmac` is the proof that its server made. */
export interface User {
  id: string;
  hmac?: string;
  name?: string;
  email?: string;
}

export interface Session {
  visitor_token: string;
  visitor: { id: string; name: string | null };
}

export type OutgoingPart =
  | { type: "text"; text: string }
  | { type: "image" | "file"; file_id: string }
  | { type: "choice"; id: string; title: string };

export type ClientFrame =
  | { type: "hello"; token: string; after: number }
  | { type: "message"; client_id: string; parts: OutgoingPart[] }
  | { type: "typing" }
  | { type: "read"; position: number }
  | { type: "history"; before: number }
  | ({ type: "profile" } & Profile)
  | { type: "page"; url: string; title: string }
  | { type: "ping" };

export type ServerFrame =
  | { type: "ready"; history: Message[]; more: boolean; online: boolean; agent: Agent | null }
  | { type: "ack"; client_id: string; id: string; position: number | null }
  | { type: "message"; message: Message }
  | { type: "typing"; name: string }
  | { type: "read"; position: number }
  | { type: "history"; messages: Message[]; more: boolean }
  | { type: "error"; code: string; message: string; client_id?: string | null }
  | { type: "status"; online: boolean; queue_position: number | null; agent: Agent | null }
  | { type: "pong" };
