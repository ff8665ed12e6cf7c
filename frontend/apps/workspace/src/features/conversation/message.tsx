import type { DeliveryStatus, Message } from "@switchboard/protocol";
import { Avatar, ChannelMark } from "@switchboard/ui";
import { App, Button, Tooltip } from "antd";
import {
  Check,
  CheckCheck,
  CircleAlert,
  CircleHelp,
  Clock3,
  MailPlus,
  NotebookPen,
  Reply,
} from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { onlyEmoji, personName } from "@/lib/text";
import { clock, fullTime } from "@/lib/time";
import { useResend } from "@/sync/desk";
import css from "./conversation.module.css";
import { noticeText } from "./notice";
import { Parts } from "./parts";

interface Props {
  message: Message;
  /** Stands under the one before without a new name and face. */
  joined: boolean;
  /** The conversation runs over several channels: say which. */
  several: boolean;
  flash: boolean;
  /** Left out where nobody can answer. */
  reply?: (message: Message) => void;
  /** Given for a comment whose writer may be answered in private. */
  privately?: (message: Message) => void;
}

export const MessageRow = memo(function MessageRow(props: Props) {
  const { message, joined, several, flash, reply, privately } = props;
  const { t } = useTranslation();
  if (isEvent(message)) return <EventLine message={message} />;
  const ours = message.direction !== "in";
  return (
    <div
      className={css.message}
      data-side={ours ? "right" : "left"}
      data-joined={joined || undefined}
      data-flash={flash || undefined}
      data-position={message.position}
    >
      <span className={css.messageFace}>
        {!joined && (
          <Avatar
            name={personName(message.author.name, t)}
            seed={message.author.id ?? message.author.name}
            size={28}
          />
        )}
      </span>
      <div className={css.stack}>
        {!joined && <Byline message={message} several={several} />}
        <div className={css.bubbleLine}>
          <Bubble message={message} />
          {reply && <ReplyButton message={message} reply={reply} />}
          {privately && <PrivateButton message={message} privately={privately} />}
        </div>
        {message.reactions.length > 0 && (
          <div className={css.reactions}>
            {message.reactions.map((r) => (
              <span key={r.emoji + r.name} title={r.name}>
                {r.emoji}
              </span>
            ))}
          </div>
        )}
        <Trouble message={message} />
      </div>
    </div>
  );
});

/** Nobody said it: it happened. */
export const isEvent = (message: Message) =>
  message.direction === "event" ||
  (message.parts.length > 0 && message.parts.every((part) => part.type === "notice"));

function Byline({ message, several }: { message: Message; several: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={css.byline}>
      {message.direction === "note" && <NotebookPen size={12} />}
      <span className="truncate">
        {message.author.name ? personName(message.author.name, t) : t(`author.${message.author.kind}`)}
      </span>
      {message.author.kind === "bot" && <span className={css.badge}>{t("author.bot")}</span>}
      {message.author.kind === "platform" && <span className={css.badge}>{t("author.platform")}</span>}
      {message.direction === "note" && <span>{t("message.noteBy")}</span>}
      {several && message.kind && message.direction !== "note" && (
        <ChannelMark
          kind={message.kind}
          size={14}
          title={t(`kinds.${message.kind}`, { defaultValue: message.kind })}
        />
      )}
    </div>
  );
}

function Bubble({ message }: { message: Message }) {
  const { t } = useTranslation();
  const recalled = message.recalled_at !== null;
  const only = message.parts.length === 1 ? message.parts[0] : undefined;
  const bare = !recalled && only?.type === "text" && onlyEmoji(only.text) && message.reply_to === null;
  return (
    <div
      className={css.bubble}
      data-direction={message.direction}
      data-bare={bare || undefined}
      data-recalled={recalled || undefined}
    >
      {message.reply_to && (
        <div className={css.quote}>
          <b>{message.reply_to.author_name}</b>
          <span className="truncate">{message.reply_to.preview}</span>
        </div>
      )}
      {recalled && message.parts.length === 0 ? (
        <i>{t("message.recalled")}</i>
      ) : (
        <Parts message={message.id} channel={message.channel_id} parts={message.parts} large={bare} />
      )}
      <Stamp message={message} />
    </div>
  );
}

function Stamp({ message }: { message: Message }) {
  const { t, i18n } = useTranslation();
  const lang = i18n.language;
  const late = Math.abs(Date.parse(message.filed_at) - Date.parse(message.occurred_at)) > 120_000;
  return (
    <span className={css.stamp}>
      {message.recalled_at && <span>{t("message.recalledMark")}</span>}
      {message.edited_at && !message.recalled_at && (
        <Tooltip title={fullTime(message.edited_at, lang)}>
          <span>{t("message.edited")}</span>
        </Tooltip>
      )}
      <time
        dateTime={message.occurred_at}
        title={
          late
            ? t("message.late", {
                sent: fullTime(message.occurred_at, lang),
                got: fullTime(message.filed_at, lang),
              })
            : fullTime(message.occurred_at, lang)
        }
      >
        {clock(message.occurred_at, lang)}
      </time>
      {message.direction === "out" && message.status && <Receipt status={message.status} />}
    </span>
  );
}

export function Receipt({ status }: { status: DeliveryStatus }) {
  const { t } = useTranslation();
  const Icon = {
    queued: Clock3,
    sent: Check,
    delivered: CheckCheck,
    read: CheckCheck,
    failed: CircleAlert,
    in_doubt: CircleHelp,
  }[status];
  return (
    <Tooltip title={t(`receipt.${status}`)}>
      <Icon size={13} className={css.receipt} data-status={status} aria-label={t(`receipt.${status}`)} />
    </Tooltip>
  );
}

function Trouble({ message }: { message: Message }) {
  const { t } = useTranslation();
  const { message: toast } = App.useApp();
  const resend = useResend();
  if (message.status !== "failed" && message.status !== "in_doubt") return null;
  const doubt = message.status === "in_doubt";
  return (
    <div className={css.trouble} data-doubt={doubt || undefined}>
      <span>{doubt ? t("message.inDoubt") : (message.error?.message ?? t("message.failed"))}</span>
      <Button
        size="small"
        loading={resend.isPending}
        onClick={() => resend.mutate(message.id, { onError: (error) => void toast.error(error.message) })}
      >
        {t("message.resend")}
      </Button>
    </div>
  );
}

function ReplyButton({ message, reply }: { message: Message; reply: (message: Message) => void }) {
  const { t } = useTranslation();
  if (message.direction === "note" || message.recalled_at) return null;
  return (
    <button
      type="button"
      className={css.replyButton}
      onClick={() => reply(message)}
      title={t("message.reply")}
      aria-label={t("message.reply")}
    >
      <Reply size={14} />
    </button>
  );
}

function PrivateButton({ message, privately }: { message: Message; privately: (message: Message) => void }) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className={css.replyButton}
      onClick={() => privately(message)}
      title={t("comments.button")}
      aria-label={t("comments.button")}
    >
      <MailPlus size={14} />
    </button>
  );
}

function EventLine({ message }: { message: Message }) {
  const { t, i18n } = useTranslation();
  const words = message.parts.map((part) =>
    part.type === "notice" ? noticeText(part, t) : part.type === "text" ? part.text : "",
  );
  return (
    <div className={css.event} data-position={message.position}>
      {words.filter(Boolean).join(" · ")}
      <time title={fullTime(message.filed_at, i18n.language)}>{clock(message.filed_at, i18n.language)}</time>
    </div>
  );
}
