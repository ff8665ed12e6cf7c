import type { Contact, Id } from "@switchboard/protocol";
import { Avatar, Blank, Bones } from "@switchboard/ui";
import { Button, Input } from "antd";
import { Contact as ContactIcon, Search, UserPlus } from "lucide-react";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useTranslation } from "react-i18next";
import { personName, shortId } from "@/lib/text";
import { listTime, useNow } from "@/lib/time";
import { useContacts } from "@/sync/contacts";
import css from "./contact.module.css";
import { CreateDialog } from "./create";
import { ContactDetail } from "./detail";
import type { ShowMessage } from "./timeline";

interface Props {
  id: Id | undefined;
  choose: (id: Id) => void;
  openConversation: (id: Id) => void;
  show: ShowMessage;
}

/** Everybody who ever wrote or was entered, and all that is known of one. */
export function ContactsPage({ id, choose, openConversation, show }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [creating, setCreating] = useState(false);
  return (
    <div className={css.contacts}>
      <section className={css.contactList} aria-label={t("contacts.title")}>
        <header className={css.listHead}>
          <h2>{t("contacts.title")}</h2>
          <Button
            type="text"
            size="small"
            icon={<UserPlus size={15} />}
            onClick={() => setCreating(true)}
            title={t("contacts.new")}
            aria-label={t("contacts.new")}
          />
        </header>
        <div className={css.find}>
          <Input
            allowClear
            prefix={<Search size={14} className="faint" />}
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder={t("contacts.find")}
            aria-label={t("contacts.find")}
          />
        </div>
        <Found q={useDeferredValue(text.trim())} chosen={id} choose={choose} />
      </section>
      {id ? (
        <ContactDetail key={id} id={id} openConversation={openConversation} show={show} />
      ) : (
        <Blank
          icon={<ContactIcon size={34} strokeWidth={1.4} />}
          title={t("contacts.pick")}
          hint={t("contacts.pickHint")}
        />
      )}
      {creating && (
        <CreateDialog
          close={() => setCreating(false)}
          done={(contact) => {
            setCreating(false);
            choose(contact.id);
          }}
        />
      )}
    </div>
  );
}

const ROW = 56;

function Found({ q, chosen, choose }: { q: string; chosen: Id | undefined; choose: (id: Id) => void }) {
  const { t } = useTranslation();
  const found = useContacts(q);
  const box = useRef<HTMLDivElement>(null);
  const contacts = (found.data?.pages ?? []).flatMap((page) => page.items);
  const list = useVirtualizer({
    count: contacts.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const items = list.getVirtualItems();
  const atEnd = (items.at(-1)?.index ?? 0) >= contacts.length - 1;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  useEffect(() => {
    if (atEnd && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [atEnd, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (found.error) return <Blank title={t("contacts.failed")} hint={found.error.message} />;
  if (!found.data) return <Bones rows={8} avatar />;
  if (contacts.length === 0)
    return (
      <Blank
        icon={<ContactIcon size={28} strokeWidth={1.4} />}
        title={q ? t("search.nothing", { text: q }) : t("contacts.none")}
        hint={q ? undefined : t("contacts.noneHint")}
      />
    );
  return (
    <div ref={box} className={css.scroll}>
      <div style={{ height: list.getTotalSize(), position: "relative" }}>
        {items.map((item) => {
          const contact = contacts[item.index];
          return (
            contact && (
              <div key={contact.id} className={css.slot} style={{ transform: `translateY(${item.start}px)` }}>
                <Row contact={contact} chosen={contact.id === chosen} choose={choose} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

function Row({ contact, chosen, choose }: { contact: Contact; chosen: boolean; choose: (id: Id) => void }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const first = contact.identities[0];
  const short = shortId(first?.value ?? "");
  const reach = first ? first.label || (short ? t("contact.visitor", { id: short }) : first.value) : "";
  return (
    <button
      type="button"
      className={css.row}
      data-chosen={chosen || undefined}
      aria-current={chosen || undefined}
      onClick={() => choose(contact.id)}
    >
      <Avatar
        name={personName(contact.name || (first?.value ?? ""), t)}
        url={contact.avatar_url}
        seed={contact.id}
        size={34}
      />
      <span style={{ minWidth: 0 }}>
        <b className="truncate">{personName(contact.name || (first?.value ?? ""), t)}</b>
        <span className="faint truncate">{reach}</span>
      </span>
      <time className="faint">
        {contact.last_seen_at ? listTime(contact.last_seen_at, now, i18n.language) : ""}
      </time>
    </button>
  );
}
