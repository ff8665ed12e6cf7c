import { Blank, Bones } from "@switchboard/ui";
import { Tag } from "antd";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useConnectionEvents } from "@/sync/channels";
import css from "./channels.module.css";

const COLOURS = { info: "default", warning: "warning", error: "error" } as const;

export function Events({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const events = useConnectionEvents(id);
  if (events.error) return <Blank title={t("channels.failed")} hint={events.error.message} />;
  if (!events.data) return <Bones rows={4} />;
  if (events.data.length === 0) return <Blank title={t("channels.quiet")} hint={t("channels.quietHint")} />;
  return (
    <ul className={css.events}>
      {events.data.map((event) => (
        <li key={event.id}>
          <time className="faint">{fullTime(event.at, i18n.language)}</time>
          <Tag color={COLOURS[event.level]} variant="filled">
            {t(`level.${event.level}`)}
          </Tag>
          <span>
            {event.message} <code className="faint">{event.code}</code>
            {event.count > 1 && <span className="muted"> × {event.count}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
