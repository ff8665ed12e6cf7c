/** A message on its way: how it starts here and how it travels. */
import type { Outgoing } from "./conversation";
import type { Part } from "./parts";
import { uuid } from "./surroundings";
import type { OutgoingPart } from "./wire";

export function draft(parts: Part[]): Outgoing {
  return { client_id: uuid(), parts, at: new Date().toISOString(), state: "waiting" };
}

export function toWire(part: Part): OutgoingPart[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type === "choice") return [{ type: "choice", id: part.id, title: part.title ?? "" }];
  if (!("file" in part) || part.type === "sticker" || !part.file?.id) return [];
  const { id: file_id, duration } = part.file;
  return [{ type: part.type, file_id, voice: part.voice, duration: duration ?? undefined }];
}
