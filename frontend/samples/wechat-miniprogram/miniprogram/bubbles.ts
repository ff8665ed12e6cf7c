/** What a page shows of a message: templates can only read plain values. */
import { chat } from "./chat";
import type { Entry, FileRef, Part } from "./sdk";

export interface Bubble {
  key: string;
  mine: boolean;
  author: string;
  text: string;
  image: string;
  voice: string;
  file: string;
  name: string;
  /** Words below the bubble; empty for the company's messages. */
  state: string;
  failed: boolean;
  buttons: { id: string; title: string }[];
}

const STATES = {
  uploading: "上传中",
  waiting: "发送中",
  sent: "已发送",
  filed: "已送达",
  read: "已读",
  failed: "发送失败，点按重试",
};

export function bubble(entry: Entry): Bubble {
  const [part] = entry.parts;
  const file = part && "file" in part ? part.file : null;
  return {
    key: entry.key,
    mine: entry.mine,
    author: entry.author ?? "",
    text: entry.recalled ? "消息已撤回" : entry.parts.map(words).filter(Boolean).join("\n"),
    image: part?.type === "image" ? address(file) : "",
    voice: part?.type === "audio" ? address(file) : "",
    file: part?.type === "file" || part?.type === "video" ? address(file) : "",
    name: file?.name ?? "",
    state: entry.delivery ? STATES[entry.delivery] : "",
    failed: entry.delivery === "failed",
    buttons: part?.type === "choices" ? part.buttons.map(({ id, title }) => ({ id, title })) : [],
  };
}

/** On its way, a file has only the address by which this phone knows it. */
function address(file: FileRef | null): string {
  return file?.url ? chat.address(file.url) : "";
}

function words(part: Part): string {
  if (part.type === "text" || part.type === "choices") return part.text;
  if (part.type === "choice") return part.title ?? "";
  if (part.type === "location") return part.name ?? "[位置]";
  return "caption" in part ? (part.caption ?? "") : "";
}
