/** One bubble as elements. Words go in as text, never as HTML. */
import type { Chat, Entry, FileRef, Part } from "@switchboard/sdk";

const STATES = {
  uploading: "uploading…",
  waiting: "waiting for a line…",
  sent: "sent",
  filed: "delivered",
  read: "read",
  failed: "failed",
};

export function bubble(chat: Chat, entry: Entry): HTMLLIElement {
  const item = document.createElement("li");
  item.className = entry.mine ? "mine" : "";
  if (entry.author) item.append(small(entry.author));
  if (entry.recalled) item.append("Recalled");
  else for (const part of entry.parts) item.append(...drawn(chat, part));
  if (entry.delivery) item.append(small(entry.outgoing?.error?.message || STATES[entry.delivery]));
  if (entry.delivery === "failed") item.append(button("Try again", () => chat.retry(entry.key)));
  return item;
}

function drawn(chat: Chat, part: Part): (Node | string)[] {
  switch (part.type) {
    case "text":
      return [part.text];
    case "choice":
      return [part.title ?? ""];
    case "choices":
      return [part.text, ...part.buttons.map(({ id, title }) => button(title, () => chat.choose(id, title)))];
    case "image":
    case "sticker":
      return part.file
        ? [Object.assign(new Image(), { src: address(chat, part.file), alt: part.file.name })]
        : [];
    case "audio":
    case "video":
      return part.file ? [player(part.type, address(chat, part.file))] : [];
    case "file":
      return part.file ? [link(address(chat, part.file), part.file.name)] : [];
    case "location":
      return [part.name ?? `${part.latitude}, ${part.longitude}`];
    default:
      return [`[${part.type}]`];
  }
}

/** A file on its way has the address of its preview. */
function address(chat: Chat, file: FileRef): string {
  return file.url ? chat.address(file.url) : "";
}

function small(text: string): HTMLElement {
  return Object.assign(document.createElement("small"), { textContent: text });
}

function button(text: string, onclick: () => void): HTMLButtonElement {
  return Object.assign(document.createElement("button"), { textContent: text, onclick });
}

function player(type: "audio" | "video", src: string): HTMLMediaElement {
  return Object.assign(document.createElement(type), { src, controls: true, preload: "metadata" });
}

function link(href: string, text: string): HTMLAnchorElement {
  return Object.assign(document.createElement("a"), {
    href,
    textContent: text,
    target: "_blank",
    rel: "noopener",
  });
}
