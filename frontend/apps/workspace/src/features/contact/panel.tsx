import type { Id } from "@switchboard/protocol";
import { Bones } from "@switchboard/ui";
import { Button, Drawer } from "antd";
import { History, IdCard, SquarePen } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { openOutset } from "@/lib/outset";
import { useContact } from "@/sync/contacts";
import { useChangeConversation, useConversation, useConversationDetail } from "@/sync/desk";
import css from "./contact.module.css";
import { Attributes, ContactTags, Earlier, Head, Identities, Notes, Section } from "./profile";
import { Suggestions } from "./suggestions";
import { Tags } from "./tags";
import { ContactTimeline, type ShowMessage } from "./timeline";

interface Props {
  conversationId: Id;
  open: (id: Id) => void;
  openContact: (id: Id) => void;
  show: ShowMessage;
}

/** Fourth zone: who this is. */
export function ContactPanel({ conversationId, open, openContact, show }: Props) {
  const { t } = useTranslation();
  const row = useConversation(conversationId);
  const detail = useConversationDetail(conversationId).data;
  const contactId = row?.contact.id ?? detail?.contact.id;
  const contact = useContact(contactId).data ?? detail?.contact_detail;
  const changeConversation = useChangeConversation(conversationId);
  const [whole, setWhole] = useState(false);
  if (!contact || !row)
    return (
      <aside className={css.panel}>
        <Bones rows={6} />
      </aside>
    );
  return (
    <aside className={css.panel} aria-label={t("contact.title")} key={contact.id}>
      <Head contact={contact} />
      <div className={css.acts}>
        <Button
          size="small"
          icon={<SquarePen size={13} />}
          onClick={() => openOutset({ contactId: contact.id })}
        >
          {t("contact.write")}
        </Button>
        <Button size="small" icon={<History size={13} />} onClick={() => setWhole(true)}>
          {t("contact.timeline")}
        </Button>
        <Button
          size="small"
          icon={<IdCard size={13} />}
          onClick={() => openContact(contact.id)}
          aria-label={t("contact.openPage")}
          title={t("contact.openPage")}
        />
      </div>
      <Suggestions contact={contact} />
      <Section title={t("contact.identities")}>
        <Identities contact={contact} />
      </Section>
      <Section title={t("contact.conversationTags")}>
        <Tags tags={row.tags} save={(tags) => changeConversation.mutate({ tags })} />
      </Section>
      <ContactTags contact={contact} />
      <Section title={t("contact.notes")}>
        <Notes contact={contact} />
      </Section>
      <Attributes contact={contact} />
      <Section title={t("contact.earlier")}>
        <Earlier contactId={contact.id} current={conversationId} open={open} />
      </Section>
      <Drawer
        open={whole}
        onClose={() => setWhole(false)}
        size={640}
        title={t("contact.timelineOf", { name: contact.name })}
        styles={{ body: { padding: 0 } }}
      >
        {whole && <ContactTimeline contactId={contact.id} show={show} open={open} />}
      </Drawer>
    </aside>
  );
}
