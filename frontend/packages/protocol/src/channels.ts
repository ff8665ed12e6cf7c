import type { Bilingual } from "./index";
import type { Exactly, Schemas } from "./schemas";

export type Health = "green" | "amber" | "red" | "grey";

/** The subset of JSON Schema that channel settings use. */
export type ConfigSchema = {
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
};

/** `guide` holds step-by-step instructions in Markdown; `colour` is the platform's, as CSS. */
export type Kind = Exactly<
  Schemas["Kind"],
  { names: Bilingual; description: Bilingual; guide: Bilingual; config_schema: ConfigSchema }
>;

/** Stickers that a platform lets us send: numbers `first` to `last`, each by the key `<id>:<number>`. */
export interface StickerPack {
  id: string;
  /** The platform's own. */
  title: string;
  first: number;
  last: number;
}

/** What a platform allows to be sent at any time; `text` holds `{variable}` where a value goes. */
export type ApprovedTemplate = Schemas["ApprovedTemplate"];

/** `widget_script`, of kind `web`: the script line for the host page. */
export type Channel = Exactly<Schemas["Channel"], { status: Health }>;
export type ChannelChange = Schemas["ChannelChange"];

/**
 * In `config`, secrets are null, with `<field>_set: true` beside them when one is stored. `generated` stands only in
 * the answer that creates it: secrets made here, by field, to be copied to the other side.
 */
export type Connection = Exactly<Schemas["Connection"], { status: Health; channels: Channel[] }>;
/** Vitals of the last day, traffic of the last two; `checklist` says what is still missing. */
export type ConnectionHealth = Schemas["Health"];
export type HealthCheck = Schemas["Check"];
export type TestSent = Schemas["TestSent"];
export type Alarm = Exactly<Schemas["Alarm"], { code: "red" | "silent" | "quality" }>;
export type ConnectionTest = Schemas["Tested"];
export type ConnectionEvent = Exactly<Schemas["NewsRow"], { level: "info" | "warning" | "error" }>;
export type DeadLetter = Exactly<Schemas["DeadLetter"], { state: "parked" | "unreadable" }>;
export type DeadLetterWhole = Exactly<Schemas["DeadLetterWhole"], { state: "parked" | "unreadable" }>;
