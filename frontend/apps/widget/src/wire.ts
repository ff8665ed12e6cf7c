/** The widget's names for what travels between it and the server. */
import type {
  FileRef,
  Part,
  WidgetClientFrame,
  WidgetConfig,
  WidgetMessage,
  WidgetOutgoingPart,
  WidgetServerFrame,
  WidgetSession,
} from "@switchboard/protocol";

export type { ChoicesPart, LocationPart, MediaPart } from "@switchboard/protocol";
export type {
  Part,
  FileRef as StoredFile,
  WidgetClientFrame as ClientFrame,
  WidgetMessage as Message,
  WidgetOutgoingPart as OutgoingPart,
  WidgetServerFrame as ServerFrame,
  WidgetSession as Session,
};

export interface Agent {
  name: string;
}

export interface Profile {
  name?: string;
  email?: string;
  phone?: string;
}

export type ProfileField = keyof Profile;

export type Config = Omit<WidgetConfig, "pre_chat"> & { pre_chat: ProfileField[] };

/** A person whom the host page vouches for; `hmac` is the proof that its server made. */
export interface User {
  id: string;
  hmac?: string;
  name?: string;
  email?: string;
}
