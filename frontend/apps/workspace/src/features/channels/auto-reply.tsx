import type { Channel } from "@switchboard/protocol";
import { App, Button, Input, Modal } from "antd";
import { Pencil } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChangeChannel } from "@/sync/channels";

const LONGEST = 2000;

/** What whoever opens a conversation by this channel is answered at once; empty: nothing. */
export function AutoReply({ channel }: { channel: Channel }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <span style={{ display: "flex", alignItems: "center", gap: 4, maxWidth: 210 }}>
      <span className={channel.auto_reply ? "truncate" : "faint"} title={channel.auto_reply || undefined}>
        {channel.auto_reply || t("channels.autoReplyNone")}
      </span>
      <Button
        type="text"
        size="small"
        icon={<Pencil size={13} />}
        onClick={() => setOpen(true)}
        aria-label={t("channels.autoReplyChange", { name: channel.name })}
      />
      {open && <Dialog channel={channel} close={() => setOpen(false)} />}
    </span>
  );
}

function Dialog({ channel, close }: { channel: Channel; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [text, setText] = useState(channel.auto_reply);
  const change = useChangeChannel();
  const save = () =>
    change.mutate(
      { id: channel.id, auto_reply: text.trim() },
      { onSuccess: close, onError: (error) => void message.error(error.message) },
    );
  return (
    <Modal
      open
      title={t("channels.autoReply")}
      onCancel={close}
      onOk={save}
      okText={t("channels.save")}
      confirmLoading={change.isPending}
    >
      <p className="muted">{t("channels.autoReplyHint", { name: channel.name })}</p>
      <Input.TextArea
        autoFocus
        value={text}
        maxLength={LONGEST}
        showCount
        autoSize={{ minRows: 3, maxRows: 10 }}
        aria-label={t("channels.autoReply")}
        placeholder={t("channels.autoReplyPlaceholder")}
        onChange={(event) => setText(event.target.value)}
        style={{ marginBottom: 20 }}
      />
    </Modal>
  );
}
