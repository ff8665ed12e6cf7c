import type { FileRef } from "@switchboard/protocol";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFileText } from "@/sync/desk";
import css from "./conversation.module.css";

/** Taller mails scroll inside. */
const HIGHEST = 640;

/**
 * The page around a mail's HTML. The server has cleaned it; here a second fence: no script may run (the frame's
 * sandbox and this policy), nothing is loaded but pictures from our own host, links open in a new window.
 */
function page(html: string): string {
  const policy = `default-src 'none'; img-src data: ${location.origin}; style-src 'unsafe-inline'; font-src 'none'`;
  return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<base target="_blank"><style>body{margin:12px;font:14px/1.5 -apple-system,"Segoe UI","PingFang SC","Microsoft YaHei",sans-serif;color:#1b2423;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}</style></head><body>${html}</body></html>`;
}

export function MailFrame({ file }: { file: FileRef }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(160);
  const html = useFileText(file);
  if (html.error) return <i className="muted">{html.error.message}</i>;
  return (
    <iframe
      ref={frame}
      title={t("message.original")}
      className={css.mail}
      sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
      referrerPolicy="no-referrer"
      srcDoc={page(html.data ?? "")}
      style={{ height }}
      onLoad={() =>
        setHeight(Math.min(HIGHEST, (frame.current?.contentDocument?.body.scrollHeight ?? 160) + 26))
      }
    />
  );
}
