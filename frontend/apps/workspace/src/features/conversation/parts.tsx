import type { Id, MediaPart, Part, TextPart } from "@switchboard/protocol";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Card } from "./cards";
import css from "./conversation.module.css";
import { Gallery, Media } from "./media";
import { noticeText } from "./notice";
import { Words } from "./words";

const MailFrame = lazy(() => import("./mail-frame").then((m) => ({ default: m.MailFrame })));

const isPicture = (part: Part): part is MediaPart =>
  part.type === "image" && part.state === "stored" && part.file !== null;

/** The parts of one message; pictures that follow each other stand in one gallery. */
export function Parts({ message, channel, parts, large }: Omit<PartProps<Part>, "part">) {
  const groups: ReactNode[] = [];
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i] as Part;
    if (isPicture(part)) {
      const run: MediaPart[] = [];
      while (i < parts.length && isPicture(parts[i] as Part)) run.push(parts[i++] as MediaPart);
      i -= 1;
      groups.push(<Gallery key={i} pictures={run} />);
    } else groups.push(<OnePart key={i} {...{ message, channel, part, parts, large }} />);
  }
  return <>{groups}</>;
}

interface PartProps<P> {
  message: string;
  channel: Id | null;
  part: P;
  /** All of the message: a mail shows some of them inside its text. */
  parts: Part[];
  large: boolean;
}

function OnePart({ message, channel, part, parts, large }: PartProps<Part>) {
  const { t } = useTranslation();
  switch (part.type) {
    case "text":
      return <Text {...{ message, channel, part, parts, large }} />;
    case "image":
    case "audio":
    case "video":
    case "file":
    case "sticker":
      return <Media part={part} channel={channel} />;
    case "choices":
      return (
        <>
          <Words text={part.text} />
          <div className={css.choices} data-style={part.style}>
            {part.buttons.map((b) => (
              <span key={b.id}>{b.title}</span>
            ))}
          </div>
        </>
      );
    case "cards":
      return (
        <>
          {part.cards.map((card, nr) => (
            <div key={nr}>
              <b>{card.title}</b>
              {card.text && <Words text={card.text} />}
              {card.buttons && (
                <div className={css.choices}>
                  {card.buttons.map((b) => (
                    <span key={b.id}>{b.title}</span>
                  ))}
                </div>
              )}
            </div>
          ))}
        </>
      );
    case "template":
      return (
        <>
          <div className={css.label}>{t("parts.template", { name: part.name })}</div>
          {part.text && <Words text={part.text} />}
          {!part.text && part.variables && <Words text={part.variables.join(" · ")} />}
        </>
      );
    case "notice":
      return <i className="muted">{noticeText(part, t)}</i>;
    default:
      return <Card part={part} />;
  }
}

/** More lines than this are folded. */
const LONG = 1600;

function Text({ message, part, parts, large }: PartProps<TextPart>) {
  const { t } = useTranslation();
  const [quoted, setQuoted] = useState(false);
  const [original, setOriginal] = useState(false);
  const [whole, setWhole] = useState(part.text.length <= LONG * 1.2);
  return (
    <>
      {original && part.html_file ? (
        <Suspense fallback={<Words text={part.text} />}>
          <MailFrame file={part.html_file} parts={parts} message={message} />
        </Suspense>
      ) : (
        <Words text={whole ? part.text : `${part.text.slice(0, LONG)}…`} large={large} />
      )}
      {quoted && part.quoted && <blockquote className={css.quoted}>{part.quoted}</blockquote>}
      <div className={css.textTools}>
        {!whole && !original && (
          <button type="button" className="plain" onClick={() => setWhole(true)}>
            {t("message.whole")}
          </button>
        )}
        {part.quoted && !original && (
          <button type="button" className="plain" onClick={() => setQuoted(!quoted)} aria-expanded={quoted}>
            {quoted ? t("message.hideQuoted") : t("message.showQuoted")}
          </button>
        )}
        {part.html_file && (
          <button type="button" className="plain" onClick={() => setOriginal(!original)}>
            {original ? t("message.plainText") : t("message.original")}
          </button>
        )}
      </div>
    </>
  );
}
