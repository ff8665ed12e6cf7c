import type { Connection, Kind } from "@switchboard/protocol";
import { Blank, Bones, ChannelMark } from "@switchboard/ui";
import { Link } from "@tanstack/react-router";
import { Plug } from "lucide-react";
import { useTranslation } from "react-i18next";
import { bilingual } from "@/lib/i18n";
import { listTime, useNow } from "@/lib/time";
import { useConnections, useKinds } from "@/sync/channels";
import css from "./channels.module.css";
import { ClosedPlatforms } from "./closed";
import { StatusDot } from "./status";

export function ChannelsPage() {
  const { t } = useTranslation();
  const connections = useConnections();
  const kinds = useKinds();
  if (connections.error)
    return <Blank icon={<Plug size={28} />} title={t("channels.failed")} hint={connections.error.message} />;
  return (
    <div className={css.page}>
      <h1>{t("admin.channels")}</h1>
      <p className="muted">{t("channels.intro")}</p>
      <h2>{t("channels.connected")}</h2>
      {!connections.data ? (
        <Bones rows={3} avatar />
      ) : connections.data.length === 0 ? (
        <Blank
          icon={<Plug size={28} strokeWidth={1.4} />}
          title={t("channels.none")}
          hint={t("channels.noneHint")}
        />
      ) : (
        <div className={css.connections}>
          {connections.data.map((c) => (
            <ConnectionCard key={c.id} connection={c} kind={kinds.data?.find((k) => k.kind === c.kind)} />
          ))}
        </div>
      )}
      <h2>{t("channels.add")}</h2>
      {kinds.data ? <Kinds kinds={kinds.data} /> : <Bones rows={2} />}
      <ClosedPlatforms />
    </div>
  );
}

function ConnectionCard({ connection, kind }: { connection: Connection; kind: Kind | undefined }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  return (
    <Link to="/admin/channels/$id" params={{ id: connection.id }} className={css.connection}>
      <ChannelMark kind={connection.kind} size={32} />
      <span className={css.lines}>
        <b className="truncate">{connection.name}</b>
        <span className="muted truncate">
          {bilingual(kind?.names, i18n.language) || connection.kind} ·{" "}
          {t("channels.count", { count: connection.channels.length })}
        </span>
        <span className="truncate">
          <StatusDot status={connection.disabled ? "grey" : connection.status} />
          <span className={connection.status === "red" ? css.bad : "muted"}>
            {connection.reason || t(`health.${connection.status}`)}
          </span>
        </span>
      </span>
      {connection.last_event_at && (
        <time className="faint">{listTime(connection.last_event_at, now, i18n.language)}</time>
      )}
    </Link>
  );
}

const GROUPS = ["own", "chat", "china", "sms", "voice"] as const;
const CHINA = ["wechat_oa", "wechat_miniprogram", "wecom", "douyin", "weibo"];

function groupOf(kind: string): (typeof GROUPS)[number] {
  if (["web", "email", "custom"].includes(kind)) return "own";
  if (CHINA.includes(kind)) return "china";
  if (kind.startsWith("sms_")) return "sms";
  return kind.startsWith("voice_") ? "voice" : "chat";
}

function Kinds({ kinds }: { kinds: Kind[] }) {
  const { t } = useTranslation();
  return GROUPS.map((group) => {
    const members = kinds.filter((one) => groupOf(one.kind) === group);
    if (members.length === 0) return null;
    return (
      <section key={group} aria-label={t(`channels.groups.${group}`)}>
        <h3 className={css.group}>{t(`channels.groups.${group}`)}</h3>
        <div className={css.kinds}>
          {members.map((kind) => (
            <KindCard key={kind.kind} kind={kind} />
          ))}
        </div>
      </section>
    );
  });
}

function KindCard({ kind }: { kind: Kind }) {
  const { i18n } = useTranslation();
  return (
    <Link to="/admin/channels/new/$kind" params={{ kind: kind.kind }} className={css.kind}>
      <ChannelMark kind={kind.kind} size={30} />
      <span className={css.lines}>
        <b>{bilingual(kind.names, i18n.language)}</b>
        <span className="muted">{bilingual(kind.description, i18n.language)}</span>
      </span>
    </Link>
  );
}
