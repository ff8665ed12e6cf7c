import type { Id, ReplyChannel } from "@switchboard/protocol";
import { ChannelMark } from "@switchboard/ui";
import { Select, Tooltip } from "antd";
import type { TFunction } from "i18next";
import { Clock3, ShieldQuestion, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { shortId } from "@/lib/text";
import { duration, fullTime, useNow } from "@/lib/time";
import css from "./composer.module.css";

interface Props {
  channels: ReplyChannel[];
  value: Id | undefined;
  onChange: (id: Id) => void;
}

/** On which channel the answer goes, and how long its platform still allows it. */
export function ChannelSelect({ channels, value, onChange }: Props) {
  const { t } = useTranslation();
  const chosen = channels.find((c) => c.channel_id === value);
  return (
    <div className={css.channel}>
      <Select
        size="small"
        variant="filled"
        value={value}
        onChange={onChange}
        style={{ minWidth: 150, maxWidth: 260 }}
        popupMatchSelectWidth={false}
        placeholder={t("composer.channel")}
        aria-label={t("composer.channel")}
        options={channels.map((c) => ({ value: c.channel_id, channel: c }))}
        labelRender={() => (chosen ? <Label channel={chosen} short /> : null)}
        optionRender={(option) => <Label channel={option.data.channel} />}
      />
      {chosen && <Window channel={chosen} />}
    </div>
  );
}

/** Why the channel can't be used now, in the reader's language; a reason that is newer than this page, in the server's. */
export const whyNot = (channel: ReplyChannel, t: TFunction): string =>
  t(`composer.reasons.${channel.reason_code}`, { defaultValue: channel.reason });

function Label({ channel, short = false }: { channel: ReplyChannel; short?: boolean }) {
  const { t } = useTranslation();
  return (
    <span className={css.channelLabel}>
      <ChannelMark kind={channel.kind} size={16} />
      <span className="truncate">{channel.name}</span>
      <span className="faint truncate">
        {shortId(channel.address) ? t("contact.visitor", { id: shortId(channel.address) }) : channel.address}
      </span>
      {!channel.verified && (
        <Tooltip title={t("contact.claimedHint")}>
          <ShieldQuestion size={13} className={css.warn} />
        </Tooltip>
      )}
      {!short && channel.reason_code && <span className={css.warn}>{whyNot(channel, t)}</span>}
    </span>
  );
}

function Window({ channel }: { channel: ReplyChannel }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  if (channel.reason_code)
    return (
      <Tooltip title={whyNot(channel, t)}>
        <span className={css.window} data-level="over">
          <TriangleAlert size={13} />
          {channel.reason_code.startsWith("window_") ? t("composer.windowOver") : t("composer.closed")}
        </span>
      </Tooltip>
    );
  if (!channel.window_until) return null;
  if (channel.late)
    return (
      <Tooltip title={t("composer.lateHint")}>
        <span className={css.window} data-level="soon">
          <Clock3 size={12} />
          {t("composer.late")}
        </span>
      </Tooltip>
    );
  const left = Date.parse(channel.window_until) - now;
  const level = left <= 0 ? "over" : left < 2 * 3_600_000 ? "soon" : "fine";
  return (
    <Tooltip title={t("composer.windowHint", { time: fullTime(channel.window_until, i18n.language) })}>
      <span className={css.window} data-level={level}>
        <Clock3 size={12} />
        {left <= 0 ? t("composer.windowOver") : t("composer.window", { time: duration(left, i18n.language) })}
        {channel.window_left !== null && (
          <span>· {t("composer.windowLeft", { count: channel.window_left })}</span>
        )}
      </span>
    </Tooltip>
  );
}
