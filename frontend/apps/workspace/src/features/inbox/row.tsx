import type { Conversation, Id } from "@switchboard/protocol";
import { Avatar, ChannelMark } from "@switchboard/ui";
import { CornerUpLeft, Flag, NotebookPen } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { personName, previewText } from "@/lib/text";
import { duration, listTime } from "@/lib/time";
import css from "./inbox.module.css";

export const ROW_HEIGHT = 78;

/** Minutes until waiting becomes uncomfortable, then bad. */
const UNEASY = 5;
const BAD = 30;

interface Props {
  row: Conversation;
  now: number;
  selected: boolean;
  /** Name of the colleague who has it; null when mine or nobody's. */
  assignee: string | null;
  open: (id: Id) => void;
}

export const Row = memo(function Row({ row, now, selected, assignee, open }: Props) {
  const { t, i18n } = useTranslation();
  const name = personName(row.contact.name, t);
  return (
    <button
      type="button"
      className={css.row}
      data-selected={selected || undefined}
      data-unread={row.unread > 0 || undefined}
      aria-current={selected || undefined}
      onClick={() => open(row.id)}
    >
      <span className={css.face}>
        <Avatar name={name} url={row.contact.avatar_url} seed={row.contact.id} size={36} />
        <ChannelMark kind={row.kind} size={16} title={row.kind} className={css.mark} />
      </span>
      <span className={css.body}>
        <span className={css.line}>
          <span className={`${css.name} truncate`}>{name}</span>
          {row.priority > 1 && (
            <Flag
              size={12}
              className={css.flag}
              data-level={row.priority}
              aria-label={t(`priority.${row.priority}`)}
            />
          )}
          <time>{listTime(row.last_at, now, i18n.language)}</time>
        </span>
        <span className={css.line}>
          <span className={`${css.preview} truncate`}>
            {row.last_direction === "out" && <CornerUpLeft size={12} aria-label={t("list.weAnswered")} />}
            {row.last_direction === "note" && <NotebookPen size={12} aria-label={t("message.note")} />}
            {previewText(row.preview, (kind) => t(`partNames.${kind}`)) || t("list.noPreview")}
          </span>
          {row.unread > 0 && <b className={css.unread}>{row.unread > 99 ? "99+" : row.unread}</b>}
        </span>
        <span className={css.line}>
          <Waiting row={row} now={now} />
          {row.tags.slice(0, 2).map((tag) => (
            <span key={tag} className={`${css.tag} truncate`}>
              {tag}
            </span>
          ))}
          <span className={`${css.assignee} truncate`}>
            {row.assignee_id === null && row.status !== "resolved" ? t("list.nobody") : assignee}
          </span>
        </span>
      </span>
    </button>
  );
});

function Waiting({ row, now }: { row: Conversation; now: number }) {
  const { t, i18n } = useTranslation();
  if (row.status === "snoozed" && row.snoozed_until)
    return (
      <span className={css.state}>
        {t("list.until", { time: listTime(row.snoozed_until, now, i18n.language) })}
      </span>
    );
  if (row.status === "resolved" || row.status === "pending")
    return <span className={css.state}>{t(`status.${row.status}`)}</span>;
  if (!row.waiting_since) return null;
  const ms = now - Date.parse(row.waiting_since);
  const level = ms > BAD * 60_000 ? "bad" : ms > UNEASY * 60_000 ? "uneasy" : "fine";
  return (
    <span className={css.waiting} data-level={level} title={t("list.waiting")}>
      {t("list.waits", { time: duration(ms, i18n.language) })}
    </span>
  );
}
