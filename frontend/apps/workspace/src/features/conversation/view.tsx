import type { Assignment, Id, Message, ReplyChannel } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { useNavigate } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNow } from "@/lib/time";
import { useConversation, useConversationDetail } from "@/sync/desk";
import { followConversation, lookAt } from "@/sync/live/live";
import { loadAround, loadLatest } from "@/sync/live/timelines";
import { useLive } from "@/sync/live/store";
import { NoAnswer, ProblemError } from "@/sync/rest";
import { isBelowPost, mayAnswerPrivately, PostCard, PrivateReply } from "./comments";
import css from "./conversation.module.css";
import { Header } from "./header";
import { Timeline } from "./timeline";
import { TypingLine } from "./typing";

export interface Reply {
  to: Message | null;
  set: (message: Message | null) => void;
}

interface Props {
  id: Id;
  /** Position of a message to show (from search). */
  at: number | undefined;
  panelOpen: boolean;
  togglePanel: () => void;
  composer: (reply: Reply) => ReactNode;
}

const NONE: Assignment[] = [];
const NO_CHANNELS: ReplyChannel[] = [];

/** Third zone: one conversation. */
export function ConversationView({ id, at, panelOpen, togglePanel, composer }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const detail = useConversationDetail(id);
  const row = useConversation(id);
  const line = useLive((s) => s.timelines[id]);
  const [replyTo, setReplyTo] = useState<Message | null>(null);
  const failed = useMessages(id, at);
  const [privately, setPrivately] = useState<Message | null>(null);
  const now = useNow();
  const comments = row !== undefined && isBelowPost(row);
  const channels = detail.data?.reply_channels ?? NO_CHANNELS;
  const privateAnswer = useMemo(
    () => ({
      may: (message: Message) => comments && mayAnswerPrivately(message, channels, now),
      begin: setPrivately,
    }),
    [comments, channels, now],
  );
  if (detail.error instanceof ProblemError && detail.error.status === 404)
    return (
      <Blank
        icon={<SearchX size={30} />}
        title={t("conversation.missing")}
        hint={t("conversation.missingHint")}
      />
    );
  return (
    <>
      <Header
        row={row}
        detail={detail.data}
        panelOpen={panelOpen}
        togglePanel={togglePanel}
        leave={() =>
          void navigate({ to: "/desk/$view", params: (p: { view?: string }) => ({ view: p.view ?? "mine" }) })
        }
      />
      {comments && detail.data && <PostCard contact={detail.data.contact_detail} />}
      {line && row ? (
        <Timeline
          key={at ?? "latest"}
          row={row}
          line={line}
          at={at}
          assignments={detail.data?.assignments ?? NONE}
          reply={setReplyTo}
          privately={privateAnswer}
        />
      ) : failed ? (
        <Blank title={t("conversation.failed")} hint={failed} />
      ) : (
        <div className={css.loading}>
          <Bones rows={6} avatar gap={26} />
        </div>
      )}
      <TypingLine id={id} />
      {composer({ to: replyTo, set: setReplyTo })}
      {privately && (
        <PrivateReply
          to={privately}
          close={() => setPrivately(null)}
          open={(conversation) =>
            void navigate({
              to: "/desk/$view/$id",
              params: (p: { view?: string }) => ({ view: p.view ?? "mine", id: conversation }),
            })
          }
        />
      )}
    </>
  );
}

/** Follows the conversation while it is open and reads what is needed; returns why it could not. */
function useMessages(id: Id, at: number | undefined): string | null {
  const { t } = useTranslation();
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => {
    followConversation(id);
    lookAt(id);
    return () => lookAt(null);
  }, [id]);
  useEffect(() => {
    const read = at === undefined ? loadLatest(id) : loadAround(id, at);
    read.then(
      () => setFailed(null),
      (error: unknown) => setFailed(error),
    );
  }, [id, at]);
  if (failed === null) return null;
  return failed instanceof NoAnswer || !(failed instanceof Error) ? t("link.noAnswer") : failed.message;
}
