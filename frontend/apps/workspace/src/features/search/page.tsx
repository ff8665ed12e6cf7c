import type { ContactHit, MessageHit } from "@switchboard/protocol";
import { Avatar, Blank, Bones, ChannelMark } from "@switchboard/ui";
import { Link, useNavigate, useSearch as useParams } from "@tanstack/react-router";
import { Button, DatePicker, Input, Segmented, Select } from "antd";
import dayjs from "dayjs";
import { Search, SearchX } from "lucide-react";
import { Fragment, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { markedRuns, personName, shortId } from "@/lib/text";
import { fullTime } from "@/lib/time";
import { useChannels } from "@/sync/channels";
import { useSearch, type SearchTerms } from "@/sync/search";
import css from "./search.module.css";

type Params = Partial<SearchTerms>;

export function SearchPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const params = useParams({ strict: false }) as Params;
  const [text, setText] = useState(params.q ?? "");
  const set = (change: Params) =>
    void navigate({
      to: "/search",
      search: { ...params, ...change } as Record<string, string>,
      replace: true,
    });
  useEffect(() => {
    if (text === (params.q ?? "")) return;
    const timer = setTimeout(() => set({ q: text || undefined }), 250);
    return () => clearTimeout(timer);
    // Only a change of the text starts a new search.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  return (
    <div className={css.page}>
      <div className={css.column}>
        <Input
          size="large"
          autoFocus
          allowClear
          value={text}
          onChange={(event) => setText(event.target.value)}
          prefix={<Search size={17} className="faint" />}
          placeholder={t("search.placeholder")}
          aria-label={t("nav.search")}
        />
        <Filters params={params} set={set} />
        {params.q?.trim() ? (
          <Results terms={{ ...params, q: params.q, in: params.in ?? "all" }} />
        ) : (
          <Blank
            icon={<Search size={30} strokeWidth={1.4} />}
            title={t("search.start")}
            hint={t("search.startHint")}
          />
        )}
      </div>
    </div>
  );
}

function Filters({ params, set }: { params: Params; set: (change: Params) => void }) {
  const { t } = useTranslation();
  const channels = useChannels().data ?? [];
  return (
    <div className={css.filters}>
      <Segmented
        value={params.in ?? "all"}
        onChange={(value) => set({ in: value === "all" ? undefined : value })}
        options={(["all", "messages", "contacts"] as const).map((value) => ({
          value,
          label: t(`search.${value}`),
        }))}
      />
      <Select
        allowClear
        style={{ width: 180 }}
        value={params.channel}
        placeholder={t("list.anyChannel")}
        onChange={(channel) => set({ channel })}
        options={channels.map((c) => ({ value: c.id, label: c.name }))}
      />
      <DatePicker.RangePicker
        allowEmpty={[true, true]}
        value={[params.from ? dayjs(params.from) : null, params.to ? dayjs(params.to) : null]}
        onChange={(days) =>
          set({ from: days?.[0]?.startOf("day").toISOString(), to: days?.[1]?.endOf("day").toISOString() })
        }
      />
    </div>
  );
}

function Results({ terms }: { terms: SearchTerms }) {
  const { t } = useTranslation();
  const found = useSearch(terms);
  if (found.error)
    return <Blank icon={<SearchX size={30} />} title={t("search.failed")} hint={found.error.message} />;
  if (!found.data) return <Bones rows={6} avatar />;
  const contacts = found.data.pages.flatMap((p) => p.contacts ?? []);
  const messages = found.data.pages.flatMap((p) => p.messages ?? []);
  if (contacts.length + messages.length === 0)
    return (
      <Blank
        icon={<SearchX size={30} strokeWidth={1.4} />}
        title={t("search.nothing", { text: terms.q })}
        hint={t("search.nothingHint")}
      />
    );
  return (
    <div style={{ opacity: found.isPlaceholderData ? 0.55 : 1 }}>
      {contacts.length > 0 && (
        <>
          <h3>{t("search.contacts")}</h3>
          <div className={css.contacts}>
            {contacts.map((c) => (
              <ContactLine key={c.id} contact={c} />
            ))}
          </div>
        </>
      )}
      {messages.length > 0 && <h3>{t("search.messages")}</h3>}
      {messages.map((hit) => (
        <Hit key={hit.message_id} hit={hit} />
      ))}
      {found.hasNextPage && (
        <Button
          block
          onClick={() => void found.fetchNextPage()}
          loading={found.isFetchingNextPage}
          style={{ marginTop: 12 }}
        >
          {t("search.more")}
        </Button>
      )}
    </div>
  );
}

function Hit({ hit }: { hit: MessageHit }) {
  const { i18n } = useTranslation();
  return (
    <Link
      to="/desk/$view/$id"
      params={{ view: "all", id: hit.conversation_id }}
      search={{ at: hit.position }}
      className={css.hit}
    >
      <ChannelMark kind={hit.kind} size={20} />
      <span style={{ minWidth: 0 }}>
        <span className={css.hitHead}>
          <b className="truncate">{hit.contact_name}</b>
          <time className="faint">{fullTime(hit.at, i18n.language)}</time>
        </span>
        <span className={css.snippet}>
          {markedRuns(hit.snippet, hit.marks).map((run, i) =>
            run.hit ? <mark key={i}>{run.text}</mark> : <Fragment key={i}>{run.text}</Fragment>,
          )}
        </span>
      </span>
    </Link>
  );
}

function ContactLine({ contact }: { contact: ContactHit }) {
  const { t } = useTranslation();
  return (
    <Link to="/contacts/$id" params={{ id: contact.id }} className={css.contact}>
      <Avatar name={personName(contact.name, t)} url={contact.avatar_url} seed={contact.id} size={32} />
      <span style={{ minWidth: 0 }}>
        <span className="truncate" style={{ display: "block", fontWeight: 600 }}>
          {personName(contact.name, t)}
        </span>
        <span className="faint truncate" style={{ display: "block" }}>
          {contact.identities.map((i) => i.label || shortId(i.value) || i.value).join(" · ")}
        </span>
      </span>
    </Link>
  );
}
