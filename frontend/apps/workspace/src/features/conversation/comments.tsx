import type { Contact, Conversation, Id, Message, ReplyChannel } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { Alert, Input, Modal } from "antd";
import { ExternalLink, MessagesSquare } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePrivateReply } from "@/sync/desk";
import css from "./comments.module.css";

/** A conversation that stands below a post: everybody reads it. */
export const isBelowPost = (row: Conversation) => row.slot.startsWith("post:");

interface Post {
  text?: string;
  url?: string;
  author?: string;
}

/** What the comments are about. */
export function PostCard({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const post = (contact.attributes.post ?? {}) as Post;
  const address = post.url && /^https?:/.test(post.url) ? post.url : undefined;
  return (
    <section className={css.post} aria-label={t("comments.post")}>
      {contact.avatar_url ? (
        <img src={contact.avatar_url} alt="" className={css.postPicture} />
      ) : (
        <span className={css.postPicture}>
          <MessagesSquare size={20} strokeWidth={1.5} />
        </span>
      )}
      <div className={css.postText}>
        <small>
          {t("comments.public")}
          {post.author && ` · ${post.author}`}
        </small>
        <p>{post.text || contact.name || t("comments.noText")}</p>
      </div>
      {address && (
        <a href={address} target="_blank" rel="noreferrer" title={t("comments.open")}>
          <ExternalLink size={15} aria-label={t("comments.open")} />
        </a>
      )}
    </section>
  );
}

/** Whether the writer of a comment may still be answered in private. */
export function mayAnswerPrivately(message: Message, channels: ReplyChannel[], now: number): boolean {
  const days = channels.find((one) => one.channel_id === message.channel_id)?.private_days ?? 0;
  return (
    days > 0 &&
    message.direction === "in" &&
    message.recalled_at === null &&
    now - Date.parse(message.occurred_at) < days * 86_400_000
  );
}

interface Props {
  to: Message;
  close: () => void;
  open: (conversation: Id) => void;
}

/** Takes one comment out of the public: the answer begins a private conversation with its writer. */
export function PrivateReply({ to, close, open }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const send = usePrivateReply();
  const attempt = useRef({ text: "", id: "" });
  const run = () => {
    if (attempt.current.text !== text) attempt.current = { text, id: crypto.randomUUID() };
    send.mutate(
      { message: to.id, text: text.trim(), attempt: attempt.current.id },
      {
        onSuccess: ({ conversation }) => {
          close();
          open(conversation.id);
        },
      },
    );
  };
  const said = to.parts.flatMap((part) => ("text" in part && part.text ? [part.text] : [])).join(" ");
  return (
    <Modal
      open
      width={480}
      title={t("comments.privately", { name: to.author.name })}
      onCancel={close}
      onOk={run}
      okText={t("composer.send")}
      okButtonProps={{ disabled: text.trim() === "" }}
      confirmLoading={send.isPending}
    >
      {send.error && <Alert type="error" showIcon title={send.error.message} style={{ marginBottom: 12 }} />}
      <blockquote className={css.comment}>
        <Avatar name={to.author.name} seed={to.author.id ?? to.author.name} size={22} />
        <span>{said || t(`partNames.${to.parts[0]?.type ?? "unsupported"}`)}</span>
      </blockquote>
      <Input.TextArea
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
        autoSize={{ minRows: 4, maxRows: 10 }}
        placeholder={t("comments.placeholder")}
        aria-label={t("comments.placeholder")}
      />
      <p className="muted" style={{ margin: "8px 0 0" }}>
        {t("comments.hint")}
      </p>
    </Modal>
  );
}
