import type { Conversation, Id, Message } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { Button } from "antd";
import { MessageCircle } from "lucide-react";
import { Fragment, useLayoutEffect, useMemo, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { dayLabel, sameDay, useNow } from "@/lib/time";
import { useContactConversations, useContactTimeline } from "@/sync/contacts";
import css from "./contact.module.css";

/** How one message looks is the conversation's own business. */
export type ShowMessage = (message: Message, joined: boolean) => ReactNode;

interface Props {
  contactId: Id;
  show: ShowMessage;
  open: (conversation: Id) => void;
}

/** Everything that was said with somebody, over all conversations and channels, oldest at the top. */
export function ContactTimeline({ contactId, show, open }: Props) {
  const { t } = useTranslation();
  const query = useContactTimeline(contactId);
  const conversations = useContactConversations(contactId).data;
  const messages = useMemo(
    () => (query.data?.pages ?? []).flatMap((page) => page.items).reverse(),
    [query.data],
  );
  const box = useHeldEnd(messages);
  if (query.error) return <Blank title={t("conversation.failed")} hint={query.error.message} />;
  if (!query.data) return <Bones rows={6} avatar gap={26} />;
  if (messages.length === 0)
    return <Blank icon={<MessageCircle size={28} strokeWidth={1.4} />} title={t("conversation.empty")} />;
  return (
    <div ref={box} className={css.timeline} role="log" aria-label={t("contact.timeline")} tabIndex={0}>
      {query.hasNextPage && (
        <Button
          size="small"
          type="text"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {t("contact.older")}
        </Button>
      )}
      <Messages messages={messages} conversations={conversations ?? []} show={show} open={open} />
    </div>
  );
}

interface MessagesProps {
  messages: Message[];
  conversations: Conversation[];
  show: ShowMessage;
  open: (conversation: Id) => void;
}

function Messages({ messages, conversations, show, open }: MessagesProps) {
  const { i18n } = useTranslation();
  const now = useNow();
  return messages.map((message, i) => {
    const before = messages[i - 1];
    const sameCase = before?.conversation_id === message.conversation_id;
    const newDay = !before || !sameDay(before.filed_at, message.filed_at);
    const joined =
      sameCase &&
      !newDay &&
      before?.author.id === message.author.id &&
      before?.direction === message.direction;
    return (
      <Fragment key={message.id}>
        {!sameCase && (
          <CaseLine
            id={message.conversation_id}
            row={conversations.find((c) => c.id === message.conversation_id)}
            open={open}
          />
        )}
        {newDay && <div className={css.day}>{dayLabel(message.filed_at, now, i18n.language)}</div>}
        {show(message, joined)}
      </Fragment>
    );
  });
}

function CaseLine({ id, row, open }: { id: Id; row: Conversation | undefined; open: (id: Id) => void }) {
  const { t } = useTranslation();
  return (
    <div className={css.caseLine}>
      <span className="truncate">
        {row?.subject || t("contact.conversation")}
        {row && <span className="faint"> · {t(`status.${row.status}`)}</span>}
      </span>
      <button type="button" className="plain" onClick={() => open(id)}>
        {t("contact.openConversation")}
      </button>
    </div>
  );
}

/** Begins at the latest; when older messages are put above, what is being read stays where it is. */
function useHeldEnd(messages: Message[]) {
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.scrollTop += element.scrollHeight - height.current;
    height.current = element.scrollHeight;
  }, [messages]);
  return box;
}
