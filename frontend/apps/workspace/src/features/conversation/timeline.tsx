import type { Assignment, Conversation, Message } from "@switchboard/protocol";
import { Blank } from "@switchboard/ui";
import { Image } from "antd";
import { ArrowDown, MessageCircle } from "lucide-react";
import { Fragment, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { dayLabel, sameDay, useNow } from "@/lib/time";
import { markRead } from "@/sync/desk";
import type { Timeline as Line } from "@/sync/live/state";
import { loadAfter, loadBefore, loadLatest } from "@/sync/live/timelines";
import { useOutbox } from "@/sync/outbox";
import { between, Handover } from "./handover";
import { isEvent, MessageRow } from "./message";
import css from "./conversation.module.css";
import { PendingRow } from "./pending";
import { useAnchoredScroll } from "./scroll";

interface Props {
  row: Conversation;
  line: Line;
  at: number | undefined;
  assignments: Assignment[];
  reply: (message: Message) => void;
  /** Says for which comments a private answer is open, and begins it. */
  privately: { may: (message: Message) => boolean; begin: (message: Message) => void };
}

/** Two messages of one author within this time stand together. */
const TOGETHER = 5 * 60_000;

export function Timeline({ row, line, at, assignments, reply, privately }: Props) {
  const { t } = useTranslation();
  const { messages } = line;
  const outbox = useOutbox((s) => s.items);
  const pending = useMemo(
    () =>
      outbox.filter(
        (p) => p.conversation_id === row.id && !messages.some((m) => m.client_id === p.client_id),
      ),
    [outbox, row.id, messages],
  );
  const older = useGuarded(() => (line.hasBefore ? loadBefore(row.id) : null));
  const newer = useGuarded(() => (line.hasAfter ? loadAfter(row.id) : null));
  const scroll = useAnchoredScroll({ messages, pending: pending.length, at, older, newer });
  useReading(row, line, scroll.atEnd);
  const shown = useRef(pending.length);
  useEffect(() => {
    // Who writes while reading the past is brought back to the present.
    if (pending.length > shown.current && line.hasAfter) void loadLatest(row.id).catch(() => undefined);
    shown.current = pending.length;
  }, [pending.length, line.hasAfter, row.id]);
  return (
    <div className={css.timelineFrame}>
      <div
        ref={scroll.box}
        className={css.timeline}
        onScroll={scroll.onScroll}
        tabIndex={0}
        role="log"
        aria-label={t("conversation.timeline")}
      >
        <Image.PreviewGroup>
          <div ref={scroll.content} className={css.content}>
            {line.hasBefore && <div className={css.edge}>{t("conversation.older")}</div>}
            {!line.hasBefore && messages.length === 0 && pending.length === 0 && (
              <Blank
                icon={<MessageCircle size={28} strokeWidth={1.4} />}
                title={t("conversation.empty")}
                hint={t("conversation.emptyHint")}
              />
            )}
            <Messages
              row={row}
              line={line}
              at={at}
              assignments={assignments}
              reply={reply}
              privately={privately}
            />
            {!line.hasAfter &&
              between(assignments, messages.at(-1)?.filed_at ?? null, null).map((a) => (
                <Handover key={a.at} assignment={a} />
              ))}
            {pending.map((item) => (
              <PendingRow key={item.client_id} item={item} />
            ))}
          </div>
        </Image.PreviewGroup>
      </div>
      {(scroll.unseen > 0 || line.hasAfter) && (
        <button
          type="button"
          className={css.pill}
          onClick={() => (line.hasAfter ? void loadLatest(row.id).then(scroll.toEnd) : scroll.toEnd())}
        >
          <ArrowDown size={14} />
          {scroll.unseen > 0
            ? t("conversation.newMessages", { count: scroll.unseen })
            : t("conversation.toLatest")}
        </button>
      )}
    </div>
  );
}

function Messages({ row, line, at, assignments, reply, privately }: Props) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const { messages } = line;
  const firstUnread = useFirstUnread(row, messages);
  return messages.map((message, i) => {
    const before = messages[i - 1];
    const newDay = !before || !sameDay(before.filed_at, message.filed_at);
    const since = before?.filed_at ?? (line.hasBefore ? message.filed_at : null);
    return (
      <Fragment key={message.id}>
        {newDay && <div className={css.day}>{dayLabel(message.filed_at, now, i18n.language)}</div>}
        {between(assignments, since, message.filed_at).map((a) => (
          <Handover key={a.at} assignment={a} />
        ))}
        {message.id === firstUnread && <div className={css.newLine}>{t("conversation.newBelow")}</div>}
        <MessageRow
          message={message}
          joined={!newDay && before !== undefined && together(before, message)}
          several={row.kinds.length > 1}
          flash={message.position === at}
          reply={reply}
          privately={privately.may(message) ? privately.begin : undefined}
        />
      </Fragment>
    );
  });
}

function together(a: Message, b: Message): boolean {
  return (
    !isEvent(a) &&
    a.direction === b.direction &&
    a.author.id === b.author.id &&
    a.kind === b.kind &&
    Date.parse(b.filed_at) - Date.parse(a.filed_at) < TOGETHER
  );
}

/** Not twice at the same time; a failure may be tried again by scrolling. */
function useGuarded(load: () => Promise<void> | null): () => void {
  const busy = useRef(false);
  return () => {
    if (busy.current) return;
    const running = load();
    if (!running) return;
    busy.current = true;
    running.catch(() => undefined).finally(() => (busy.current = false));
  };
}

/** Tells the server how far was read: only what is at the end of the view of somebody who looks. */
function useReading(row: Conversation, line: Line, atEnd: boolean): void {
  const last = line.messages.at(-1)?.position;
  const [visible, setVisible] = useState(document.visibilityState === "visible");
  useEffect(() => {
    const listen = () => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", listen);
    return () => document.removeEventListener("visibilitychange", listen);
  }, []);
  useEffect(() => {
    if (!atEnd || !visible || line.hasAfter || last === undefined || row.unread === 0) return;
    const timer = setTimeout(() => void markRead(row.id, last).catch(() => undefined), 300);
    return () => clearTimeout(timer);
  }, [atEnd, visible, line.hasAfter, last, row.id, row.unread]);
}

/** The first message that was unread when the conversation was opened. */
function useFirstUnread(row: Conversation, messages: Message[]): string | undefined {
  const [found] = useState(() => {
    if (row.unread === 0) return undefined;
    const incoming = messages.filter((m) => m.direction === "in");
    return incoming.at(-Math.min(row.unread, incoming.length))?.id;
  });
  return found;
}
