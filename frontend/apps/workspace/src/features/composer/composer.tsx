import type { Id, Message, OutgoingPart, ReplyChannel } from "@switchboard/protocol";
import { App, Button, Input, Segmented, Tooltip, type GetRef } from "antd";
import { LayoutTemplate, NotebookPen, Paperclip, SendHorizontal, X } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { useTranslation } from "react-i18next";
import { keyLabel, useCommands } from "@/lib/commands";
import { keepDraft, readDraft } from "@/lib/drafts";
import { entersMessage } from "@/lib/ime";
import { openOutset } from "@/lib/outset";
import { useListsTemplates } from "@/sync/channels";
import { useConversation, useConversationDetail } from "@/sync/desk";
import { tellTyping } from "@/sync/live/live";
import { sendMessage } from "@/sync/outbox";
import { Attachments } from "./attachments";
import { ChannelSelect, whyNot } from "./channel-select";
import css from "./composer.module.css";
import { EmojiPopover } from "./emoji";
import { StickerPopover } from "./sticker";
import { useUploads } from "./uploads";

type TextAreaRef = GetRef<typeof Input.TextArea>;

interface Props {
  id: Id;
  reply: { to: Message | null; set: (message: Message | null) => void };
}

export function Composer({ id, reply }: Props) {
  const { t } = useTranslation();
  const row = useConversation(id);
  const area = useRef<TextAreaRef>(null);
  const written = useWriting(id, reply, area);
  const { text, setText, note, uploads } = written;
  return (
    <div
      className={css.composer}
      data-note={note || undefined}
      data-over={uploads.over || undefined}
      {...uploads.dropTarget}
    >
      {row?.status === "resolved" && !note && <div className={css.hint}>{t("composer.reopens")}</div>}
      <Top written={written} />
      {reply.to && !note && <ReplyTo message={reply.to} drop={() => reply.set(null)} />}
      <Input.TextArea
        ref={area}
        variant="borderless"
        className={css.text}
        value={text}
        placeholder={note ? t("composer.notePlaceholder") : t("composer.placeholder")}
        aria-label={note ? t("composer.note") : t("composer.reply")}
        autoSize={{ minRows: 2, maxRows: 9 }}
        onChange={(event) => {
          setText(event.target.value);
          if (!note && event.target.value) tellTyping(id);
        }}
        onPaste={uploads.onPaste}
        onKeyDown={(event) => {
          if (entersMessage(keyOf(event))) {
            event.preventDefault();
            written.send();
          } else if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <Attachments items={uploads.items} remove={uploads.remove} />
      <Bottom written={written} area={area} />
      {uploads.over && <div className={css.drop}>{t("composer.drop")}</div>}
    </div>
  );
}

/** What is being written, where it would go, and whether it can. */
function useWriting(id: Id, reply: Props["reply"], area: RefObject<TextAreaRef | null>) {
  const { t } = useTranslation();
  const { message: toast } = App.useApp();
  const detail = useConversationDetail(id).data;
  const { text, setText, note, setNote } = useDraft(id);
  const [chosen, setChosen] = useState<Id | null>(null);
  const uploads = useUploads((words) => void toast.error(words));
  const channels = detail?.reply_channels ?? [];
  const channel = pickChannel(channels, chosen, reply.to);
  const blocked = note
    ? ""
    : detail && !channel
      ? t("composer.noChannel")
      : channel?.reason_code
        ? whyNot(channel, t)
        : "";
  const empty = text.trim() === "" && uploads.items.length === 0;
  const ready = !empty && !blocked && !uploads.busy;
  useFocusCommands(setNote, area);
  useEffect(() => {
    if (!reply.to) return;
    setNote(false);
    area.current?.focus();
  }, [reply.to, setNote, area]);
  const [wanted, setWanted] = useState(false);
  const send = () => {
    // Enter while a file is still on its way: goes out with it.
    setWanted(uploads.busy && !blocked);
    if (!ready) return;
    const files = uploads.items.flatMap((u) => (u.file ? [u.file] : []));
    sendMessage({
      conversation_id: id,
      parts: partsOf(text, files),
      names: Object.fromEntries(files.map((f) => [f.id, f.name])),
      note,
      channel_id: channel?.channel_id,
      reply_to: note ? undefined : reply.to?.id,
    });
    setText("");
    uploads.clear();
    reply.set(null);
    area.current?.focus();
  };
  const sendSticker = (key: string) => {
    sendMessage({
      conversation_id: id,
      parts: [{ type: "sticker", key }],
      names: {},
      note: false,
      channel_id: channel?.channel_id,
      reply_to: reply.to?.id,
    });
    reply.set(null);
    area.current?.focus();
  };
  useEffect(() => {
    if (wanted && !uploads.busy) send();
  });
  const closed = channel?.reason_code === "window_closed";
  const lists = useListsTemplates(channel?.kind) && channel?.reason_code === "";
  const template =
    !note && detail && channel && (closed || lists)
      ? () =>
          openOutset({
            contactId: detail.contact.id,
            channelId: channel.channel_id,
            address: channel.address,
            template: true,
          })
      : null;
  return {
    text,
    setText,
    note,
    setNote,
    channels,
    channel,
    setChosen,
    uploads,
    blocked,
    ready,
    send,
    sendSticker,
    template,
    onlyTemplate: closed,
  };
}

type Written = ReturnType<typeof useWriting>;

function Top({ written }: { written: Written }) {
  const { t } = useTranslation();
  const { note, setNote, channels, channel, setChosen } = written;
  return (
    <div className={css.top}>
      <Segmented
        size="small"
        value={note ? "note" : "reply"}
        onChange={(value) => setNote(value === "note")}
        options={[
          { value: "reply", label: t("composer.reply") },
          { value: "note", label: t("composer.note"), icon: <NotebookPen size={12} /> },
        ]}
      />
      {note ? (
        <span className={css.noteHint}>{t("composer.noteHint")}</span>
      ) : (
        <ChannelSelect channels={channels} value={channel?.channel_id} onChange={setChosen} />
      )}
    </div>
  );
}

function Bottom({ written, area }: { written: Written; area: RefObject<TextAreaRef | null> }) {
  const { t } = useTranslation();
  const { text, setText, note, uploads, blocked, ready, send } = written;
  const insert = (emoji: string) => {
    const element = area.current?.resizableTextArea?.textArea;
    const at = element?.selectionStart ?? text.length;
    const end = element?.selectionEnd ?? at;
    setText(text.slice(0, at) + emoji + text.slice(end));
    requestAnimationFrame(() => {
      element?.focus();
      element?.setSelectionRange(at + emoji.length, at + emoji.length);
    });
  };
  return (
    <div className={css.bottom}>
      <EmojiPopover insert={insert} />
      <Tooltip title={t("composer.attach")}>
        <Button
          type="text"
          size="small"
          icon={<Paperclip size={16} />}
          onClick={uploads.choose}
          aria-label={t("composer.attach")}
        />
      </Tooltip>
      {uploads.input}
      {!note && written.channel && (
        <StickerPopover channel={written.channel} disabled={blocked !== ""} send={written.sendSticker} />
      )}
      {written.template && !written.onlyTemplate && (
        <Tooltip title={t("composer.template")}>
          <Button
            type="text"
            size="small"
            icon={<LayoutTemplate size={16} />}
            onClick={written.template}
            aria-label={t("composer.template")}
          />
        </Tooltip>
      )}
      <span className={blocked ? css.blocked : css.keys} title={blocked || undefined}>
        {blocked || t("composer.keys")}
      </span>
      {written.template && written.onlyTemplate && (
        <Button onClick={written.template} icon={<LayoutTemplate size={14} />}>
          {t("composer.template")}
        </Button>
      )}
      <Button
        type="primary"
        className={note ? css.sendNote : undefined}
        icon={note ? <NotebookPen size={14} /> : <SendHorizontal size={14} />}
        disabled={!ready}
        onClick={send}
      >
        {note ? t("composer.save") : t("composer.send")}
      </Button>
    </div>
  );
}

const keyOf = (event: KeyboardEvent) => ({
  key: event.key,
  keyCode: event.nativeEvent.keyCode,
  isComposing: event.nativeEvent.isComposing,
  shiftKey: event.shiftKey,
  altKey: event.altKey,
});

function partsOf(text: string, files: { id: Id; mime: string }[]): OutgoingPart[] {
  const family = (mime: string) =>
    (["image", "audio", "video"] as const).find((f) => mime.startsWith(`${f}/`)) ?? "file";
  const parts: OutgoingPart[] = files.map((f) => ({ type: family(f.mime), file_id: f.id }));
  return text.trim() ? [{ type: "text", text: text.trim() }, ...parts] : parts;
}

/** The agent's choice; else the channel of the message that is answered; else the server's default. */
function pickChannel(
  channels: ReplyChannel[],
  chosen: Id | null,
  to: Message | null,
): ReplyChannel | undefined {
  return (
    channels.find((c) => c.channel_id === chosen) ??
    channels.find((c) => c.channel_id === to?.channel_id) ??
    channels.find((c) => c.default) ??
    channels[0]
  );
}

function useDraft(id: Id) {
  const [draft, setDraft] = useState(() => readDraft(id));
  const latest = useRef(draft);
  useEffect(() => {
    latest.current = draft;
    const timer = setTimeout(() => keepDraft(id, draft, Date.now()), 250);
    return () => clearTimeout(timer);
  }, [id, draft]);
  useEffect(() => () => keepDraft(id, latest.current, Date.now()), [id]);
  const setText = useCallback((text: string) => setDraft((d) => ({ ...d, text })), []);
  const setNote = useCallback((note: boolean) => setDraft((d) => (d.note === note ? d : { ...d, note })), []);
  return { text: draft.text, note: draft.note, setText, setNote };
}

function useFocusCommands(setNote: (note: boolean) => void, area: RefObject<TextAreaRef | null>): void {
  const { t } = useTranslation();
  const section = t("commands.conversation");
  const write = (note: boolean) => () => {
    setNote(note);
    area.current?.focus();
  };
  useCommands([
    { id: "reply", section, title: t("action.reply"), key: "r", run: write(false) },
    { id: "note", section, title: t("action.note"), key: "n", run: write(true) },
  ]);
}

function ReplyTo({ message, drop }: { message: Message; drop: () => void }) {
  const { t } = useTranslation();
  const words = message.parts
    .map((p) => ("text" in p && p.text ? p.text : t(`partNames.${p.type}`, { defaultValue: p.type })))
    .join(" ");
  return (
    <div className={css.replyTo}>
      <b>{message.author.name}</b>
      <span className="truncate">{words}</span>
      <Button
        type="text"
        size="small"
        icon={<X size={13} />}
        onClick={drop}
        aria-label={`${t("composer.dropReply")} (${keyLabel("escape")})`}
      />
    </div>
  );
}
