import type { Conversation, Id, Message, ServerFrame } from "@switchboard/protocol";
import { create } from "zustand";
import { apply } from "./apply";
import { before as isBefore } from "./order";
import { empty, type Live } from "./state";

/** `waiting`: between two attempts; `retryAt` tells when the next one starts. */
export interface Link {
  state: "connecting" | "live" | "waiting" | "stopped";
  retryAt: number;
  /** The last attempt failed, or the connection broke: there is something to tell. */
  broken: boolean;
}

export const useLive = create<Live>(() => empty);
export const useLink = create<Link>(() => ({ state: "stopped", retryAt: 0, broken: false }));

/** Changes the live state by a pure function of it. */
export function changeLive(step: (state: Live) => Live): void {
  useLive.setState((state) => step(state), true);
}

/** A customer wrote something new. Told once per change, never for snapshots. */
export type Incoming = (row: Conversation) => void;

const incoming = new Set<Incoming>();

export function onIncoming(callback: Incoming): () => void {
  incoming.add(callback);
  return () => incoming.delete(callback);
}

export type Arrived = (message: Message) => void;

const arrived = new Set<Arrived>();

/** Told of every message that the stream brings. */
export function onMessage(callback: Arrived): () => void {
  arrived.add(callback);
  return () => arrived.delete(callback);
}

export type Touched = (id: Id) => void;

const touched = new Set<Touched>();

/** Told when a conversation or its messages changed on the stream. */
export function onTouched(callback: Touched): () => void {
  touched.add(callback);
  return () => touched.delete(callback);
}

export type Settings = (what: string[]) => void;

const settings = new Set<Settings>();

/** Told when settings were changed that lists on the page show. */
export function onSettings(callback: Settings): () => void {
  settings.add(callback);
  return () => settings.delete(callback);
}

/** A typing mark that nobody renews goes out after this. */
const TYPING_FOR = 6000;

function dated(frame: ServerFrame): ServerFrame {
  if (frame.type !== "typing" || frame.data.until) return frame;
  return { ...frame, data: { ...frame.data, until: new Date(Date.now() + TYPING_FOR).toISOString() } };
}

export function receive(came: ServerFrame[]): void {
  const frames = came.map(dated);
  const before = useLive.getState();
  changeLive((state) => frames.reduce(apply, state));
  for (const frame of frames) {
    if (frame.type === "conversation") {
      const { row } = frame.data;
      const known = before.conversations[row.id];
      const later = !known || isBefore(known.last_at, row.last_at);
      if (row.last_direction === "in" && row.unread > (known?.unread ?? 0) && later)
        incoming.forEach((callback) => callback(row));
      if (!known || known.version !== row.version) touched.forEach((callback) => callback(row.id));
    } else if (frame.type === "gone") {
      // A row that is in none of the views is not sent; who has it open reads it again.
      touched.forEach((callback) => callback(frame.data.id));
    } else if (frame.type === "changed") {
      settings.forEach((callback) => callback(frame.data.what));
    } else if (frame.type === "message") {
      arrived.forEach((callback) => callback(frame.data.row));
      touched.forEach((callback) => callback(frame.data.row.conversation_id));
    }
  }
}
