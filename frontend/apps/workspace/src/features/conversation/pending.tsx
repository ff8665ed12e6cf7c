import { Avatar, StickerPicture } from "@switchboard/ui";
import { Button } from "antd";
import { Clock3, Paperclip } from "lucide-react";
import { useTranslation } from "react-i18next";
import { stickerPicture } from "@/sync/channels";
import { useAgents } from "@/sync/people";
import { useLink } from "@/sync/live/store";
import { discardMessage, retryMessage, type Pending } from "@/sync/outbox";
import { useMe } from "@/sync/session";
import css from "./conversation.module.css";

/** A message of ours that the server has not confirmed yet. */
export function PendingRow({ item }: { item: Pending }) {
  const { t } = useTranslation();
  const me = useMe().agent;
  const live = useLink((s) => s.state === "live");
  return (
    <div className={css.message} data-side="right" data-pending={item.state}>
      <span className={css.messageFace}>
        <Avatar name={me.name} seed={me.id} size={28} />
      </span>
      <div className={css.stack}>
        <div className={css.bubbleLine}>
          <div className={css.bubble} data-direction={item.note ? "note" : "out"}>
            {item.parts.map((part, i) => (
              <div key={i} className={css.text}>
                {part.type === "text" ? (
                  part.text
                ) : part.type === "sticker" && item.channel_id ? (
                  <StickerPicture
                    src={stickerPicture(item.channel_id, part.key)}
                    number={part.key}
                    words={t("media.sticker")}
                    size={120}
                  />
                ) : "file_id" in part ? (
                  <span className={css.pendingFile}>
                    <Paperclip size={13} /> {item.names[part.file_id] ?? t("message.file")}
                  </span>
                ) : null}
              </div>
            ))}
            <span className={css.stamp}>
              {item.state === "waiting" && !live && t("message.waiting")}
              <Clock3 size={12} className={css.receipt} />
            </span>
          </div>
        </div>
        {item.state === "failed" && <Failed item={item} />}
      </div>
    </div>
  );
}

function Failed({ item }: { item: Pending }) {
  const { t } = useTranslation();
  const agents = useAgents().data;
  const winner = agents?.find((a) => a.id === item.conflict?.assignee_id)?.name;
  const words = item.conflict
    ? winner
      ? t("conflict.answering", { name: winner })
      : t("conflict.changed")
    : (item.reason ?? t("message.failed"));
  return (
    <div className={css.trouble}>
      <span>{words}</span>
      <Button size="small" onClick={() => retryMessage(item.client_id, item.conflict !== null)}>
        {item.conflict ? t("conflict.anyway") : t("message.retry")}
      </Button>
      <Button size="small" type="text" onClick={() => discardMessage(item.client_id)}>
        {t("message.discard")}
      </Button>
    </div>
  );
}
