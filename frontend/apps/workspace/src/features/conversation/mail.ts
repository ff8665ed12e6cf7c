/** The page around a mail's HTML, and how its pictures get an address. */
import type { FileRef, Part } from "@switchboard/protocol";

/** Pictures of the mail itself by Content-ID: the address of the stored file. */
export function inlinePictures(parts: Part[]): Map<string, string> {
  const found = parts.flatMap((part): [string, FileRef][] =>
    "inline_id" in part && part.inline_id && part.file ? [[part.inline_id, part.file]] : [],
  );
  return new Map(found.map(([id, file]) => [id, file.url]));
}

interface Mail {
  html: string;
  inline: Map<string, string>;
  /** Pictures of other hosts are shown, fetched by our own host so that their senders don't see who reads. */
  remote: boolean;
  message: string;
}

const WRITTEN_OUT = /^data:image\/(png|jpeg|gif|webp);/i;
const REMOTE = /^https?:\/\//i;

/** What is shown, and how many pictures of other hosts were left out. */
export function fillPictures({ html, inline, remote, message }: Mail): { html: string; left: number } {
  const page = new DOMParser().parseFromString(html, "text/html");
  let left = 0;
  for (const picture of page.querySelectorAll("img")) {
    const cid = picture.getAttribute("data-cid");
    const source = picture.getAttribute("data-src");
    const own = cid ? inline.get(cid) : undefined;
    if (own) picture.setAttribute("src", own);
    else if (source && WRITTEN_OUT.test(source)) picture.setAttribute("src", source);
    else if (source && REMOTE.test(source) && remote)
      picture.setAttribute("src", `/api/v1/messages/${message}/picture?url=${encodeURIComponent(source)}`);
    else if (source && REMOTE.test(source)) left += 1;
  }
  return { html: page.body.innerHTML, left };
}

/**
 * The server has cleaned the HTML; here is a second fence: no script may run (the frame's sandbox and this policy),
 * nothing is loaded but pictures from our own host; links open in a new window.
 */
export function mailPage(html: string, origin: string): string {
  const pictures = `img-src data: ${origin}`;
  const policy = `default-src 'none'; ${pictures}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'`;
  return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<base target="_blank"><style>body{margin:12px;font:14px/1.5 -apple-system,"Segoe UI","PingFang SC","Microsoft YaHei",sans-serif;color:#1b2423;background:#fff;overflow-wrap:anywhere}img{max-width:100%;height:auto}img:not([src]){display:inline-block;min-width:24px;min-height:16px;border:1px dashed #c8c4ba;border-radius:3px}table{max-width:100%}</style></head><body>${html}</body></html>`;
}
