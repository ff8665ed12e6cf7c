import type { Bilingual, Id, Instant } from "./index";

export type Health = "green" | "amber" | "red" | "grey";

/** The subset of JSON Schema that channel settings use. */
export interface ConfigSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, ConfigSchema>;
  required?: string[];
  enum?: (string | number | boolean | null)[];
  default?: unknown;
  items?: ConfigSchema;
  anyOf?: ConfigSchema[];
  $ref?: string;
  $defs?: Record<string, ConfigSchema>;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  examples?: unknown[];
  "x-secret"?: boolean;
  /** Made by the server when left empty. */
  "x-generated"?: boolean;
  /** Lines of text that the field wants. */
  "x-lines"?: number;
  "x-title-zh"?: string;
  "x-description-zh"?: string;
}

export interface Kind {
  kind: string;
  names: Bilingual;
  description: Bilingual;
  /** CSS colour of the platform. */
  colour: string;
  tier: string | number;
  config_schema: ConfigSchema;
  capabilities: { in: string[]; out: Record<string, unknown> };
  /** Step-by-step instructions, Markdown. */
  guide: Bilingual;
  docs_url: string | null;
  webhook: boolean;
}

export interface Channel {
  id: Id;
  connection_id: Id;
  kind: string;
  name: string;
  external_id: string;
  status: Health;
  reason: string | null;
  team_id: Id | null;
  last_in_at: Instant | null;
  last_out_at: Instant | null;
  /** Kind `web`: the script line for the host page. */
  widget_script?: string | null;
}

export interface Connection {
  id: Id;
  kind: string;
  name: string;
  status: Health;
  reason: string | null;
  webhook_url: string | null;
  channels: Channel[];
  created_at: Instant;
  last_event_at: Instant | null;
  disabled?: boolean;
  /** Secrets are null, with `<field>_set: true` beside them when one is stored. */
  config: Record<string, unknown>;
  /** Only in the answer that creates it: secrets made here, by field, to be copied to the other side. */
  generated?: Record<string, string>;
}

export interface ConnectionTest {
  ok: boolean;
  message: string;
  accounts: { external_id: string; name: string }[];
}

export interface ConnectionEvent {
  id: Id;
  at: Instant;
  level: "info" | "warning" | "error";
  code: string;
  message: string;
  count: number;
}

export interface DeadLetter {
  id: Id;
  received_at: Instant;
  kind: string;
  channel_name: string | null;
  error: string;
  body_preview: string;
  state: "parked" | "unreadable";
  /** Only in the answer for one letter. */
  body?: string;
}
