import type { FileRef, Part } from "@switchboard/protocol";
import { ImageDown } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFileText } from "@/sync/desk";
import css from "./conversation.module.css";
import { fillPictures, inlinePictures, mailPage } from "./mail";

/** Taller mails scroll inside. */
const HIGHEST = 640;

export function MailFrame({ file, parts, message }: { file: FileRef; parts: Part[]; message: string }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(160);
  const [remote, setRemote] = useState(false);
  const text = useFileText(file);
  const mail = useMemo(
    () => fillPictures({ html: text.data ?? "", inline: inlinePictures(parts), remote, message }),
    [text.data, parts, remote, message],
  );
  if (text.error) return <i className="muted">{text.error.message}</i>;
  return (
    <>
      {mail.left > 0 && (
        <div className={css.remote}>
          <ImageDown size={14} />
          <span>{t("message.remoteHidden", { count: mail.left })}</span>
          <button type="button" className="plain" onClick={() => setRemote(true)}>
            {t("message.remoteShow")}
          </button>
        </div>
      )}
      <iframe
        ref={frame}
        title={t("message.original")}
        className={css.mail}
        sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        srcDoc={mailPage(mail.html, location.origin)}
        style={{ height }}
        onLoad={() =>
          setHeight(Math.min(HIGHEST, (frame.current?.contentDocument?.body.scrollHeight ?? 160) + 26))
        }
      />
    </>
  );
}
