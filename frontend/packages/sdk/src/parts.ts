/**
 * What a message is made of. Empty values are left out on the wire, so everything without a meaning of its own is optional.
 */
export interface FileRef {
  id: string;
  name: string;
  mime: string;
  /** Bytes. */
  size: number;
  /** Signed and relative: `/files/<id>/<name>?…`; supports Range. */
  url: string;
  /** Pixels. */
  width?: number | null;
  height?: number | null;
  /** Seconds. */
  duration?: number | null;
}

export interface TextPart {
  type: "text";
  text: string;
  /** The quoted earlier mail, cut off the text. */
  quoted?: string | null;
  /** The sanitised HTML version of a mail. */
  html_file?: FileRef | null;
}

export type MediaType = "image" | "audio" | "video" | "file" | "sticker";

export interface MediaPart {
  type: MediaType;
  file: FileRef | null;
  caption?: string | null;
  name?: string | null;
  mime?: string | null;
  size?: number | null;
  state: "stored" | "fetching" | "failed";
  error?: string | null;
  /** Seconds, as the sender told; the file's own, where it is known, is measured. */
  duration?: number | null;
  /** Of audio: recorded on the spot. */
  voice?: boolean;
  /** Of a sticker: what it stands for. */
  emoji?: string;
  /** Of a sticker: the platform's own name of it; one that we sent by it has no file here. */
  key?: string;
  /** Shown inside the HTML of the same message, where an `img` has it as `data-cid`. */
  inline_id?: string;
}

export interface LocationPart {
  type: "location";
  latitude: number;
  longitude: number;
  name?: string | null;
  address?: string | null;
}

export interface ContactPart {
  type: "contact";
  name?: string;
  phones?: string[];
  emails?: string[];
  organisation?: string | null;
}

export interface ChoiceButton {
  id: string;
  title: string;
  description?: string;
  url?: string | null;
}

export interface ChoicesPart {
  type: "choices";
  text: string;
  buttons: ChoiceButton[];
  style?: "buttons" | "list";
  /** Label of the button that opens a list. */
  button?: string | null;
}

export interface ChoicePart {
  type: "choice";
  id: string;
  title?: string;
  description?: string | null;
}

export interface OrderItem {
  product_id: string;
  name?: string | null;
  /** One when left out. */
  quantity?: number;
  /** A decimal number written as text. */
  price?: string;
  /** ISO 4217. */
  currency?: string;
}

export interface OrderPart {
  type: "order";
  items: OrderItem[];
  text?: string | null;
}

export interface ProductPart {
  type: "product";
  product_id: string;
  catalog_id?: string | null;
  title?: string | null;
}

export interface FormPart {
  type: "form";
  values: Record<string, unknown>;
}

export interface TemplatePart {
  type: "template";
  name: string;
  language: string;
  text?: string | null;
  variables?: string[];
}

export interface CardsPart {
  type: "cards";
  cards: { title: string; text?: string; buttons?: ChoiceButton[] }[];
}

export interface LinkPart {
  type: "link";
  url: string;
  title?: string | null;
  description?: string | null;
}

/** Something that happened, told in the timeline: assignment, status change, number changed. */
export interface NoticePart {
  type: "notice";
  code: string;
  text?: string;
  data?: Record<string, unknown> | null;
}

export interface UnsupportedPart {
  type: "unsupported";
  what: string;
  detail?: string;
}

export type Part =
  | TextPart
  | MediaPart
  | LocationPart
  | ContactPart
  | ChoicesPart
  | CardsPart
  | ChoicePart
  | OrderPart
  | ProductPart
  | FormPart
  | TemplatePart
  | LinkPart
  | NoticePart
  | UnsupportedPart;
