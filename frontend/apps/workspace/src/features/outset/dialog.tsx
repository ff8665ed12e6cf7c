import type { Channel, Contact, Id, OutgoingPart } from "@switchboard/protocol";
import { Avatar, ChannelMark } from "@switchboard/ui";
import { Alert, Input, Modal, Segmented, Select } from "antd";
import { useDeferredValue, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { OutsetRequest } from "@/lib/outset";
import { shortId } from "@/lib/text";
import { useChannels, useKinds } from "@/sync/channels";
import { useContact, useContacts, useOutset } from "@/sync/contacts";
import css from "./outset.module.css";
import { addressOn, reachesTyped, typedAddress } from "./reach";
import { TemplateFields, useTemplateForm } from "./template";

interface Props {
  request: OutsetRequest;
  close: () => void;
  open: (conversation: Id) => void;
}

/** Writes to somebody first: who, by which channel, and the first message. */
export function OutsetDialog({ request, close, open }: Props) {
  const { t } = useTranslation();
  const form = useOutsetForm(request);
  const send = useOutset();
  // While it opens it takes the focus to itself, and nothing has its width yet.
  const [opened, setOpened] = useState(false);
  const attempt = useRef({ text: "", id: "" });
  const run = () => {
    if (!form.outset) return;
    const text = JSON.stringify(form.outset);
    if (attempt.current.text !== text) attempt.current = { text, id: crypto.randomUUID() };
    send.mutate(
      { outset: form.outset, attempt: attempt.current.id },
      {
        onSuccess: ({ conversation }) => {
          close();
          open(conversation.id);
        },
      },
    );
  };
  return (
    <Modal
      open
      width={560}
      title={request.template ? t("composer.template") : t("outset.title")}
      afterOpenChange={setOpened}
      onCancel={close}
      onOk={run}
      okText={t("composer.send")}
      okButtonProps={{ disabled: !form.outset }}
      confirmLoading={send.isPending}
    >
      {send.error && <Alert type="error" showIcon title={send.error.message} style={{ marginBottom: 12 }} />}
      <Field label={t("outset.to")}>
        <Whom form={form} />
      </Field>
      <Field label={t("outset.channel")}>
        <ByChannel form={form} />
      </Field>
      {form.takesTemplates && (
        <Segmented
          size="small"
          style={{ marginBottom: 10 }}
          value={form.template ? "template" : "text"}
          onChange={(value) => form.setTemplate(value === "template")}
          options={[
            { value: "text", label: t("outset.text") },
            { value: "template", label: t("partNames.template") },
          ]}
        />
      )}
      {form.template ? (
        <TemplateFields form={form.templates} ready={opened} />
      ) : (
        <Input.TextArea
          value={form.text}
          onChange={(event) => form.setText(event.target.value)}
          autoSize={{ minRows: 4, maxRows: 10 }}
          placeholder={t("outset.message")}
          aria-label={t("outset.text")}
        />
      )}
    </Modal>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={css.field}>
      <span className="muted">{label}</span>
      {children}
    </div>
  );
}

interface Choice {
  channel: Channel;
  /** Null: it cannot be written to by this channel. */
  address: string | null;
}

function useOutsetForm(request: OutsetRequest) {
  const [contactId, setContactId] = useState(request.contactId);
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(request.channelId);
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState(request.template ?? false);
  const contact = useContact(contactId).data;
  const kinds = useKinds().data;
  const channels = useChannels().data ?? [];
  const address = contactId ? null : typedAddress(typed);
  const choices = channels
    .filter((channel) => channel.kind !== "web")
    .map((channel): Choice => ({
      channel,
      address:
        (channel.id === request.channelId && contactId === request.contactId && request.address) ||
        reach(channel, contact, address),
    }));
  const usable = choices.filter((one) => one.address !== null);
  const choice = usable.find((one) => one.channel.id === chosen) ?? usable[0];
  const out = kinds?.find((kind) => kind.kind === choice?.channel.kind)?.capabilities["out"];
  const takesTemplates = Boolean((out as Record<string, unknown> | undefined)?.["template"]);
  const template = takesTemplates && wanted;
  const templates = useTemplateForm(choice?.channel, template);
  const part: OutgoingPart | null = template
    ? templates.part
    : text.trim()
      ? { type: "text", text: text.trim() }
      : null;
  const whom = contactId ? { contact_id: contactId } : address ? { address: address.value } : null;
  const outset = whom && choice && part ? { ...whom, channel_id: choice.channel.id, parts: [part] } : null;
  return {
    contact,
    typed,
    setTyped,
    setContactId,
    choices,
    choice,
    setChosen,
    takesTemplates,
    template,
    setTemplate: setWanted,
    templates,
    text,
    setText,
    outset,
    someone: whom !== null,
  };
}

type OutsetForm = ReturnType<typeof useOutsetForm>;

function reach(
  channel: Channel,
  contact: Contact | undefined,
  typed: ReturnType<typeof typedAddress>,
): string | null {
  if (contact) return addressOn(channel, contact);
  return typed && reachesTyped(channel, typed.space) ? typed.value : null;
}

/** A contact that is known, or a number or address that is not yet. */
function Whom({ form }: { form: OutsetForm }) {
  const { t } = useTranslation();
  const [find, setFind] = useState("");
  const found = useContacts(useDeferredValue(find));
  const contacts = (found.data?.pages ?? []).flatMap((page) => page.items);
  const fresh = typedAddress(find);
  const value = form.contact?.id ?? (form.typed ? NEW : undefined);
  const choose = (next: string) => {
    form.setContactId(next === NEW ? undefined : next);
    form.setTyped(next === NEW ? find : "");
  };
  return (
    <Select
      value={value}
      placeholder={t("outset.find")}
      aria-label={t("outset.to")}
      autoFocus={!value}
      showSearch={{ filterOption: false, onSearch: setFind }}
      notFoundContent={found.isFetching ? "…" : t("outset.nobody")}
      onSelect={choose}
      labelRender={() => (form.contact ? <Person contact={form.contact} /> : <span>{form.typed}</span>)}
      options={[
        ...(fresh ? [{ value: NEW, label: t("outset.new", { address: fresh.value }) }] : []),
        ...contacts.map((one) => ({ value: one.id, label: one.name, contact: one })),
      ]}
      optionRender={(option) =>
        "contact" in option.data ? <Person contact={option.data.contact as Contact} /> : option.label
      }
    />
  );
}

const NEW = "new";

function Person({ contact }: { contact: Contact }) {
  const [first] = contact.identities;
  const name = contact.name || first?.label || first?.value || "";
  return (
    <span className={css.line}>
      <Avatar name={name} url={contact.avatar_url} seed={contact.id} size={20} />
      <span className="truncate">{name}</span>
    </span>
  );
}

function ByChannel({ form }: { form: OutsetForm }) {
  const { t } = useTranslation();
  return (
    <Select
      value={form.choice?.channel.id}
      placeholder={form.someone ? t("outset.unreachable") : t("outset.first")}
      aria-label={t("outset.channel")}
      status={form.someone && !form.choice ? "warning" : undefined}
      disabled={!form.someone}
      onSelect={form.setChosen}
      labelRender={() => form.choice && <Way choice={form.choice} />}
      options={form.choices.map((one) => ({
        value: one.channel.id,
        label: one.channel.name,
        disabled: one.address === null,
        choice: one,
      }))}
      optionRender={(option) => <Way choice={option.data.choice} />}
    />
  );
}

function Way({ choice }: { choice: Choice }) {
  const { t } = useTranslation();
  const short = shortId(choice.address ?? "");
  return (
    <span className={css.line}>
      <ChannelMark kind={choice.channel.kind} size={16} />
      <span className="truncate">{choice.channel.name}</span>
      <span className="faint truncate">
        {choice.address === null
          ? t("outset.noAddress")
          : short
            ? t("contact.visitor", { id: short })
            : choice.address}
      </span>
    </span>
  );
}
