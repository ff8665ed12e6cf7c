import type { Contact, Id } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { App, Button, Input, Select } from "antd";
import { GitMerge, Plus, SearchX, SquarePen, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { openOutset } from "@/lib/outset";
import { useChangeContact, useContact } from "@/sync/contacts";
import { useMay } from "@/sync/session";
import { attributeRows } from "./attributes";
import css from "./contact.module.css";
import { MergeDialog } from "./merge-dialog";
import { ContactTags, Earlier, Head, Identities, Notes, Section } from "./profile";
import { Suggestions } from "./suggestions";
import { ContactTimeline, type ShowMessage } from "./timeline";

interface Props {
  id: Id;
  openConversation: (id: Id) => void;
  show: ShowMessage;
}

export function ContactDetail({ id, openConversation, show }: Props) {
  const { t } = useTranslation();
  const query = useContact(id);
  const contact = query.data;
  if (query.error)
    return <Blank icon={<SearchX size={30} />} title={t("contacts.gone")} hint={query.error.message} />;
  if (!contact) return <Bones rows={6} avatar />;
  return (
    <div className={css.detail}>
      <div className={css.profile} key={contact.id}>
        <Head contact={contact} />
        <Acts contact={contact} />
        <Suggestions contact={contact} />
        <Section title={t("contact.identities")}>
          <Identities contact={contact} />
        </Section>
        <Section title={t("contact.level")}>
          <Level contact={contact} />
        </Section>
        <ContactTags contact={contact} />
        <Section title={t("contact.notes")}>
          <Notes contact={contact} />
        </Section>
        <Section title={t("contact.attributes")}>
          <EditAttributes contact={contact} />
        </Section>
        <Section title={t("contact.conversations")}>
          <Earlier contactId={contact.id} open={openConversation} />
        </Section>
      </div>
      <div className={css.history}>
        <h2>{t("contact.timeline")}</h2>
        <ContactTimeline contactId={contact.id} show={show} open={openConversation} />
      </div>
    </div>
  );
}

function Acts({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const may = useMay();
  const [merging, setMerging] = useState(false);
  return (
    <div className={css.acts}>
      <Button
        type="primary"
        size="small"
        icon={<SquarePen size={13} />}
        onClick={() => openOutset({ contactId: contact.id })}
      >
        {t("contact.write")}
      </Button>
      {may("contacts.merge") && (
        <Button size="small" icon={<GitMerge size={13} />} onClick={() => setMerging(true)}>
          {t("merge.open")}
        </Button>
      )}
      {merging && <MergeDialog contact={contact} close={() => setMerging(false)} />}
    </div>
  );
}

const LEVELS = ["normal", "vip"];

function Level({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const change = useChangeContact(contact.id);
  const levels = [...new Set([...LEVELS, contact.level].filter(Boolean))];
  return (
    <Select
      size="small"
      variant="filled"
      style={{ minWidth: 140 }}
      value={contact.level || "normal"}
      aria-label={t("contact.level")}
      onChange={(level: string) =>
        change.mutate({ level }, { onError: (error) => void message.error(error.message) })
      }
      options={levels.map((value) => ({ value, label: t(`levels.${value}`, { defaultValue: value }) }))}
    />
  );
}

/** What programs or colleagues noted under a name; written whole. */
function EditAttributes({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const change = useChangeContact(contact.id);
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const save = (attributes: Contact["attributes"]) =>
    change.mutate({ attributes }, { onError: (error) => void message.error(error.message) });
  const add = () => {
    if (!name.trim()) return;
    save({ ...contact.attributes, [name.trim()]: value.trim() });
    setName("");
    setValue("");
  };
  const without = (gone: string) =>
    Object.fromEntries(Object.entries(contact.attributes).filter(([one]) => one !== gone));
  return (
    <div className={css.attributes}>
      {attributeRows(contact.attributes, t).map(([one, name, said]) => (
        <div key={one} data-edit>
          <span className="muted truncate">{name}</span>
          <span>{said}</span>
          <Button
            type="text"
            size="small"
            icon={<X size={12} />}
            onClick={() => save(without(one))}
            aria-label={t("contact.attributeRemove", { name: one })}
          />
        </div>
      ))}
      <div data-edit>
        <Input
          size="small"
          value={name}
          maxLength={60}
          placeholder={t("contact.attributeName")}
          onChange={(event) => setName(event.target.value)}
        />
        <Input
          size="small"
          value={value}
          maxLength={500}
          placeholder={t("contact.attributeValue")}
          onChange={(event) => setValue(event.target.value)}
          onPressEnter={(event) => !event.nativeEvent.isComposing && add()}
        />
        <Button
          type="text"
          size="small"
          icon={<Plus size={13} />}
          disabled={!name.trim()}
          onClick={add}
          aria-label={t("contact.attributeAdd")}
        />
      </div>
    </div>
  );
}
