/** The widget's names for what travels between it and the server. */
import type { Config as WireConfig } from "@switchboard/sdk/engine";

export type {
  Agent,
  ChoicesPart,
  LocationPart,
  MediaPart,
  Message,
  Part,
  FileRef as StoredFile,
  ServerFrame,
  Session,
} from "@switchboard/sdk/engine";

export interface Profile {
  name?: string;
  email?: string;
  phone?: string;
}

export type ProfileField = keyof Profile;

export type Config = Omit<WireConfig, "pre_chat"> & { pre_chat: ProfileField[] };

/** A person whom the host page vouches for; `hmac` is the proof that its server made. */
export interface User {
  id: string;
  hmac?: string;
  name?: string;
  email?: string;
}
