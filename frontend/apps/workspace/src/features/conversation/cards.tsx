import type { FormPart, LocationPart, OrderPart, Part } from "@switchboard/protocol";
import {
  ExternalLink,
  FileWarning,
  ListChecks,
  MapPin,
  MousePointerClick,
  Package,
  UserRound,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import css from "./conversation.module.css";
import { Words } from "./words";

/** What is neither words nor a file: places, people, choices, orders, and what we cannot show. */
export function Card({ part }: { part: Part }) {
  const { t } = useTranslation();
  switch (part.type) {
    case "location":
      return <Place part={part} />;
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
      return <Answers part={part} />;
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
    case "unsupported":
      return (
        <NotShown
          first={t("parts.unsupported", { what: part.what })}
          second={part.detail || t("parts.unsupportedHint")}
        />
      );
    default:
      return <NotShown first={t("parts.unknown")} second={t("parts.unknownHint")} />;
  }
}

function Place({ part }: { part: LocationPart }) {
  const { t } = useTranslation();
  const { latitude, longitude } = part;
  return (
    <a
      className={css.card}
      href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`}
      target="_blank"
      rel="noreferrer"
    >
      <MapPin size={20} />
      <Lines
        first={part.name || t("parts.location")}
        second={part.address || `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`}
      />
      <ExternalLink size={13} />
    </a>
  );
}

function Answers({ part }: { part: FormPart }) {
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
}

function NotShown({ first, second }: { first: string; second: string }) {
  return (
    <div className={css.unsupported}>
      <FileWarning size={16} />
      <Lines first={first} second={second} />
    </div>
  );
}

function Lines({ first, second }: { first: string; second: string }) {
  return (
    <span className={css.lines}>
      <span>{first}</span>
      {second && <small>{second}</small>}
    </span>
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
