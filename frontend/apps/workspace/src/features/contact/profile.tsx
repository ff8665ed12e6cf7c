import type { Contact, Id } from "@switchboard/protocol";
import { Avatar, Bones, ChannelMark } from "@switchboard/ui";
import { App, Button, Input, Tooltip, Typography } from "antd";
import { BadgeCheck, Mail, Phone, ShieldQuestion, UserRound } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { personName, previewText, shortId } from "@/lib/text";
import { listTime, useNow } from "@/lib/time";
import { useChangeContact, useContactConversations } from "@/sync/contacts";
import { attributeRows } from "./attributes";
import css from "./contact.module.css";
import { Tags } from "./tags";

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={css.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export function Head({ contact }: { contact: Contact }) {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const now = useNow();
  const change = useChangeContact(contact.id);
  const shown = personName(contact.name || contact.identities[0]?.value || "", t);
  const rename = (name: string) => {
    const next = name.trim();
    if (next && next !== shown)
      change.mutate({ name: next }, { onError: (error) => void message.error(error.message) });
  };
  return (
    <div className={css.head}>
      <Avatar name={shown} url={contact.avatar_url} seed={contact.id} size={44} />
      <div style={{ minWidth: 0, flex: 1 }}>
        <Typography.Text
          strong
          className={css.name}
          editable={{ onChange: rename, tooltip: t("contact.rename"), triggerType: ["icon", "text"] }}
        >
          {shown}
        </Typography.Text>
        <div className="faint truncate">
          {[
            contact.level && t(`levels.${contact.level}`, { defaultValue: contact.level }),
            contact.language && languageName(contact.language, i18n.language),
            contact.last_seen_at &&
              t("contact.seen", { time: listTime(contact.last_seen_at, now, i18n.language) }),
          ]
            .filter(Boolean)
            .join(" · ")}
        </div>
      </div>
    </div>
  );
}

function languageName(code: string, locale: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Spaces are kinds of channels, or phone, e-mail and member numbers. */
function SpaceIcon({ space }: { space: string }) {
  const family = space.split(/[:._]/)[0] ?? space;
  if (family === "phone") return <Phone size={15} className="faint" />;
  if (family === "email" || family === "mail") return <Mail size={15} className="faint" />;
  if (
    [
      "whatsapp",
      "telegram",
      "web",
      "custom",
      "messenger",
      "instagram",
      "line",
      "wechat",
      "wecom",
      "sms",
    ].includes(family)
  )
    return <ChannelMark kind={family} size={16} />;
  return <UserRound size={15} className="faint" />;
}

/** What was only said; an address that is an identity too stands there already. */
export const claimsOnly = (contact: Contact): Contact["claims"] =>
  contact.claims.filter(
    (one) => !contact.identities.some((known) => known.space === one.space && known.value === one.value),
  );

function shownAs(value: string, t: TFunction): string {
  if (value.startsWith("post:")) return t("comments.post");
  const visitor = shortId(value);
  return visitor ? t("contact.visitor", { id: visitor }) : value;
}

export function Identities({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  return (
    <ul className={css.identities}>
      {contact.identities.map((one) => (
        <li key={one.id}>
          <SpaceIcon space={one.space} />
          <Typography.Text
            className={css.value}
            copyable={{ text: one.value, tooltips: [t("copy.copy"), t("copy.copied")] }}
            ellipsis={{ tooltip: one.value }}
          >
            {one.label || shownAs(one.value, t)}
          </Typography.Text>
          {one.verified ? (
            <Tooltip title={t("contact.verifiedHint")}>
              <BadgeCheck size={15} className={css.verified} aria-label={t("contact.verified")} />
            </Tooltip>
          ) : (
            <Claimed />
          )}
        </li>
      ))}
      {claimsOnly(contact).map((one) => (
        <li key={one.space + one.value}>
          <SpaceIcon space={one.space} />
          <Typography.Text className={css.value} ellipsis={{ tooltip: one.value }}>
            {one.value}
          </Typography.Text>
          <Claimed />
        </li>
      ))}
      {contact.identities.length + contact.claims.length === 0 && (
        <li className="faint">{t("contact.noIdentities")}</li>
      )}
    </ul>
  );
}

function Claimed() {
  const { t } = useTranslation();
  return (
    <Tooltip title={t("contact.claimedHint")}>
      <ShieldQuestion size={15} className={css.claimed} aria-label={t("contact.claimed")} />
    </Tooltip>
  );
}

export function ContactTags({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const change = useChangeContact(contact.id);
  return (
    <Section title={t("contact.tags")}>
      <Tags tags={contact.tags} save={(tags) => change.mutate({ tags })} />
    </Section>
  );
}

export function Notes({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const [text, setText] = useState(contact.notes ?? "");
  const saved = useRef(contact.notes ?? "");
  const change = useChangeContact(contact.id);
  const save = () => {
    if (text === saved.current) return;
    change.mutate({ notes: text }, { onSuccess: () => (saved.current = text) });
  };
  return (
    <>
      <Input.TextArea
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={save}
        placeholder={t("contact.notesPlaceholder")}
        autoSize={{ minRows: 2, maxRows: 8 }}
      />
      {change.isError && (
        <Button size="small" danger type="link" onClick={save}>
          {t("contact.notSaved")}
        </Button>
      )}
    </>
  );
}

export function Attributes({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const rows = attributeRows(contact.attributes, t);
  if (rows.length === 0) return null;
  return (
    <Section title={t("contact.attributes")}>
      <dl className={css.attributes}>
        {rows.map(([key, name, value]) => (
          <div key={key}>
            <dt className="truncate" title={name}>
              {name}
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

export function Earlier({
  contactId,
  current,
  open,
}: {
  contactId: Id;
  current?: Id;
  open: (id: Id) => void;
}) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const query = useContactConversations(contactId);
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [contactId]);
  if (!query.data) return <Bones rows={2} />;
  const others = query.data.filter((c) => c.id !== current);
  if (others.length === 0)
    return <div className="faint">{current ? t("contact.first") : t("contact.none")}</div>;
  return (
    <>
      {(all ? others : others.slice(0, 5)).map((c) => (
        <button key={c.id} type="button" className={css.earlier} onClick={() => open(c.id)}>
          <ChannelMark kind={c.kind} size={16} />
          <span className="truncate">
            {c.subject || previewText(c.preview, (kind) => t(`partNames.${kind}`)) || t("list.noPreview")}
          </span>
          <span className="faint">
            {t(`status.${c.status}`)} · {listTime(c.last_at, now, i18n.language)}
          </span>
        </button>
      ))}
      {others.length > 5 && !all && (
        <Button type="link" size="small" onClick={() => setAll(true)}>
          {t("contact.more", { count: others.length - 5 })}
        </Button>
      )}
    </>
  );
}
