/** Finds addresses in plain text, so that they can become elements and never HTML. */

export interface Segment {
  text: string;
  href: string | null;
}

// Chinese sentences run on without a space, so Han characters and full-width signs end an address.
const ADDRESS =
  /(?:https?:\/\/|www\.)[^\s<>"'`\u2018-\u201d\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;
const TRAILING = /[.,;:!?)\]}'*]+$/;

export function segments(text: string): Segment[] {
  const found: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trim(match[0]);
    const href = toHref(address);
    if (!href) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), href: null });
    found.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), href: null });
  return found;
}

/** A full stop after an address belongs to the sentence; a closing bracket only if it was opened before the address. */
function trim(address: string): string {
  const tail = TRAILING.exec(address)?.[0] ?? "";
  const head = address.slice(0, address.length - tail.length);
  return tail.startsWith(")") && head.includes("(") ? `${head})` : head;
}

function toHref(address: string): string | null {
  if (/^https?:/i.test(address)) return safeUrl(address);
  if (/^www\./i.test(address)) return safeUrl(`https://${address}`);
  return `mailto:${address}`;
}

/** Only the web: an agent's button or a forwarded text must not run code on the host page. */
export function safeUrl(url: string): string | null {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : null;
  } catch {
    return null;
  }
}
