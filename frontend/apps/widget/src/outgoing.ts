/** A message on its way: how it starts here and how it travels. */
import type { Outgoing } from "./conversation";
import type { OutgoingPart, Part } from "./wire";

export function draft(parts: Part[]): Outgoing {
  return { client_id: uuid(), parts, at: new Date().toISOString(), state: "waiting" };
}

export function toWire(part: Part): OutgoingPart[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type === "choice") return [{ type: "choice", id: part.id, title: part.title ?? "" }];
  if ((part.type === "image" || part.type === "file") && part.file?.id) {
    return [{ type: part.type, file_id: part.file.id }];
  }
  return [];
}

/** A version 4 UUID; crypto.randomUUID exists on https pages only. */
function uuid(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
