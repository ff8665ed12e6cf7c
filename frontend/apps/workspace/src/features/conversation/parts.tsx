import type { MediaPart, OrderPart, Part, TextPart } from "@switchboard/protocol";
import {
  ExternalLink,
  FileWarning,
  ListChecks,
  MapPin,
  MousePointerClick,
  Package,
  UserRound,
} from "lucide-react";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { linkRuns } from "@/lib/text";
import css from "./conversation.module.css";
import { Gallery, Media } from "./media";
import { noticeText } from "./notice";

const MailFrame = lazy(() => import("./mail-frame").then((m) => ({ default: m.MailFrame })));

const isPicture = (part: Part): part is MediaPart =>
  part.type === "image" && part.state === "stored" && part.file !== null;

/** The parts of one message; pictures that follow each other stand in one gallery. */
export function Parts({ parts, large }: { parts: Part[]; large: boolean }) {
  const groups: ReactNode[] = [];
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i] as Part;
    if (isPicture(part)) {
      const run: MediaPart[] = [];
      while (i < parts.length && isPicture(parts[i] as Part)) run.push(parts[i++] as MediaPart);
      i -= 1;
      groups.push(<Gallery key={i} pictures={run} />);
    } else groups.push(<OnePart key={i} part={part} large={large} />);
  }
  return <>{groups}</>;
}

function OnePart({ part, large }: { part: Part; large: boolean }) {
  const { t } = useTranslation();
  switch (part.type) {
    case "text":
      return <Text part={part} large={large} />;
    case "image":
    case "audio":
    case "video":
    case "file":
    case "sticker":
      return <Media part={part} />;
    case "location":
      return (
        <a
          className={css.card}
          href={`https://www.openstreetmap.org/?mlat=${part.latitude}&mlon=${part.longitude}#map=16/${part.latitude}/${part.longitude}`}
          target="_blank"
          rel="noreferrer"
        >
          <MapPin size={20} />
          <Lines
            first={part.name || t("parts.location")}
            second={part.address || `${part.latitude.toFixed(5)}, ${part.longitude.toFixed(5)}`}
          />
          <ExternalLink size={13} />
        </a>
      );
    case "contact":
      return (
        <div className={css.card}>
          <UserRound size={20} />
          <Lines
            first={[part.name, part.organisation].filter(Boolean).join(" · ")}
            second={[...(part.phones ?? []), ...(part.emails ?? [])].join("  ")}
          />
        </div>
      );
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
    case "choice":
      return (
        <div className={css.chosen}>
          <MousePointerClick size={14} />
          <Lines first={part.title || part.id} second={part.description ?? ""} />
        </div>
      );
    case "order":
      return <Order part={part} />;
    case "product":
      return (
        <div className={css.card}>
          <Package size={20} />
          <Lines first={part.title || part.product_id} second={t("parts.product")} />
        </div>
      );
    case "form":
      return (
        <div className={css.card} style={{ alignItems: "flex-start" }}>
          <ListChecks size={20} />
          <dl className={css.form}>
            {Object.entries(part.values).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{typeof value === "object" ? JSON.stringify(value) : String(value)}</dd>
              </div>
            ))}
          </dl>
        </div>
      );
    case "template":
      return (
        <>
          <div className={css.label}>{t("parts.template", { name: part.name })}</div>
          {part.text && <Words text={part.text} />}
          {!part.text && part.variables && <Words text={part.variables.join(" · ")} />}
        </>
      );
    case "link":
      return (
        <a
          className={css.card}
          href={/^https?:/.test(part.url) ? part.url : undefined}
          target="_blank"
          rel="noreferrer"
        >
          <ExternalLink size={18} />
          <Lines first={part.title || part.url} second={part.description || (part.title ? part.url : "")} />
        </a>
      );
    case "notice":
      return <i className="muted">{noticeText(part, t)}</i>;
    case "unsupported":
      return (
        <div className={css.unsupported}>
          <FileWarning size={16} />
          <Lines
            first={t("parts.unsupported", { what: part.what })}
            second={part.detail || t("parts.unsupportedHint")}
          />
        </div>
      );
    default:
      return (
        <div className={css.unsupported}>
          <FileWarning size={16} />
          <Lines first={t("parts.unknown")} second={t("parts.unknownHint")} />
        </div>
      );
  }
}

function Lines({ first, second }: { first: string; second: string }) {
  return (
    <span className={css.lines}>
      <span>{first}</span>
      {second && <small>{second}</small>}
    </span>
  );
}

export function Words({ text, large = false }: { text: string; large?: boolean }) {
  return (
    <div className={css.text} data-large={large || undefined}>
      {linkRuns(text).map((run, i) =>
        run.href ? (
          <a key={i} href={run.href} target="_blank" rel="noreferrer noopener">
            {run.text}
          </a>
        ) : (
          run.text
        ),
      )}
    </div>
  );
}

/** More lines than this are folded. */
const LONG = 1600;

function Text({ part, large }: { part: TextPart; large: boolean }) {
  const { t } = useTranslation();
  const [quoted, setQuoted] = useState(false);
  const [original, setOriginal] = useState(false);
  const [whole, setWhole] = useState(part.text.length <= LONG * 1.2);
  return (
    <>
      {original && part.html_file ? (
        <Suspense fallback={<Words text={part.text} />}>
          <MailFrame file={part.html_file} />
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

function Order({ part }: { part: OrderPart }) {
  const { t } = useTranslation();
  const total = part.items.reduce((sum, item) => sum + Number(item.price ?? 0) * (item.quantity ?? 1), 0);
  const currency = part.items[0]?.currency ?? "";
  return (
    <>
      <div className={css.order}>
        <div className={css.label}>
          <Package size={14} /> {t("parts.order")}
        </div>
        {part.items.map((item) => (
          <div key={item.product_id}>
            <span className="truncate">{item.name || item.product_id}</span>
            <span className="muted">× {item.quantity ?? 1}</span>
            <span>{item.price ? Number(item.price).toFixed(2) : ""}</span>
          </div>
        ))}
        <div>
          <b>{t("parts.total")}</b>
          <span />
          <b>
            {total.toFixed(2)} {currency}
          </b>
        </div>
      </div>
      {part.text && <Words text={part.text} />}
    </>
  );
}
