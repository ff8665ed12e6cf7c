import type { TFunction } from "i18next";
/** Text cut into plain runs and links, so that a customer's address can be clicked and nothing else becomes markup. */
export interface Run {
  text: string;
  href?: string;
}

const LINK = /\bhttps?:\/\/[^\s<>"'，。；！？、（）【】《》]+|\b[\w.+-]+@[\w-]+\.[\w.-]*\w/g;

export function linkRuns(text: string): Run[] {
  const runs: Run[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const found = match[0].replace(/[.,;:!?)\]]+$/, "");
    if (match.index > end) runs.push({ text: text.slice(end, match.index) });
    runs.push({ text: found, href: found.startsWith("http") ? found : `mailto:${found}` });
    end = match.index + found.length;
  }
  if (end < text.length) runs.push({ text: text.slice(end) });
  return runs;
}

const EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|\u200D\p{Extended_Pictographic}\uFE0F?)*\s*){1,3}$/u;

/** Up to three emoji and nothing else: shown large. */
export function onlyEmoji(text: string): boolean {
  const bare = text.trim();
  return bare.length <= 40 && EMOJI.test(bare);
}

export interface Marked {
  text: string;
  hit: boolean;
}

/** Cuts a snippet at the ranges that matched (in code points, as the server counts); they may be unordered or overlap. */
export function markedRuns(text: string, marks: { start: number; end: number }[]): Marked[] {
  const runs: Marked[] = [];
  const letters = [...text];
  const cut = (from: number, to: number) => letters.slice(from, to).join("");
  let at = 0;
  for (const { start, end } of [...marks].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, at);
    if (end <= from) continue;
    if (from > at) runs.push({ text: cut(at, from), hit: false });
    runs.push({ text: cut(from, end), hit: true });
    at = end;
  }
  if (at < letters.length) runs.push({ text: cut(at, letters.length), hit: false });
  return runs;
}

const KIND = /^\[(image|audio|video|file|sticker|location|contact|order|product|form|unsupported|recalled)\]/;

/** The server's line for content without words, `[image] caption`, with the kind in the reader's language. */
export function previewText(preview: string, nameOf: (kind: string) => string): string {
  return preview.replace(KIND, (_, kind: string) => `[${nameOf(kind)}]`);
}

/** A machine's long identifier cut short; null for what people can read. */
export function shortId(value: string): string | null {
  if (/^[0-9a-f-]{20,}$/i.test(value)) return value.slice(0, 6);
  // Platforms begin all ids of an account alike (OpenIDs), so the end tells people apart.
  return /^(?:[\w-]+\.)*(?=\S*\d)[\w+/=-]{20,}$/.test(value) ? value.slice(-6) : null;
}

/** What to call somebody whose platform tells no name. */
export function personName(name: string, t: TFunction): string {
  const short = shortId(name);
  return short ? t("contact.visitor", { id: short }) : name || t("author.contact");
}

export function fileSize(bytes: number | null | undefined): string {
  if (bytes == null) return "";
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let n = bytes / 1000;
  let i = 0;
  while (n >= 1000 && i < 2) {
    n /= 1000;
    i += 1;
  }
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
