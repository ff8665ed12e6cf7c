import { ChannelMark } from "@switchboard/ui";
import { Link } from "@tanstack/react-router";
import {
  CircleCheck,
  CircleDashed,
  Hourglass,
  Inbox,
  Layers,
  MoonStar,
  UsersRound,
  type LucideIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useChannels, useLiveChannel } from "@/sync/channels";
import { useLive } from "@/sync/live/store";
import { STANDING, type Standing } from "@/sync/live/views";
import { useTeams } from "@/sync/people";
import type { Channel } from "@switchboard/protocol";
import css from "./inbox.module.css";

const ICONS: Record<Standing, LucideIcon> = {
  mine: Inbox,
  unassigned: CircleDashed,
  all: Layers,
  waiting: Hourglass,
  snoozed: MoonStar,
  resolved: CircleCheck,
};

/** First zone: which list. */
export function ViewNav({ view }: { view: string }) {
  const { t } = useTranslation();
  const counters = useLive((s) => s.counters);
  const teams = useTeams().data ?? [];
  const channels = useChannels().data ?? [];
  const standing: Partial<Record<Standing, number>> = counters
    ? {
        mine: counters.views.mine,
        unassigned: counters.views.unassigned,
        all: counters.views.all_open,
        waiting: counters.views.waiting,
        snoozed: counters.views.snoozed,
      }
    : {};
  return (
    <nav className={css.nav} aria-label={t("desk.views")}>
      {STANDING.map((name) => {
        const Icon = ICONS[name];
        return (
          <Item
            key={name}
            name={name}
            active={view === name}
            icon={<Icon size={15} />}
            count={standing[name]}
            strong={name === "mine"}
          >
            {t(`views.${name}`)}
          </Item>
        );
      })}
      {teams.length > 0 && <h3>{t("desk.teams")}</h3>}
      {teams.map((team) => (
        <Item
          key={team.id}
          name={`team:${team.id}`}
          active={view === `team:${team.id}`}
          icon={<UsersRound size={15} />}
          count={counters?.by_team[team.id]}
        >
          {team.name}
        </Item>
      ))}
      {channels.length > 0 && <h3>{t("desk.channels")}</h3>}
      {channels.map((channel) => (
        <ChannelItem
          key={channel.id}
          channel={channel}
          view={view}
          count={counters?.by_channel[channel.id]}
        />
      ))}
    </nav>
  );
}

function ChannelItem({
  channel: listed,
  view,
  count,
}: {
  channel: Channel;
  view: string;
  count: number | undefined;
}) {
  const channel = useLiveChannel(listed);
  const name = `channel:${channel.id}`;
  const broken = channel.status === "red" || channel.status === "amber";
  return (
    <Item
      name={name}
      active={view === name}
      icon={<ChannelMark kind={channel.kind} size={16} />}
      count={count}
      title={broken ? `${channel.name}: ${channel.reason ?? ""}` : channel.name}
      alarm={broken ? channel.status : undefined}
    >
      {channel.name}
    </Item>
  );
}

interface ItemProps {
  name: string;
  active: boolean;
  icon: ReactNode;
  children: string;
  count?: number;
  strong?: boolean;
  title?: string;
  alarm?: string;
}

function Item({ name, active, icon, children, count, strong, title, alarm }: ItemProps) {
  return (
    <Link
      to="/desk/$view"
      params={{ view: name }}
      className={css.item}
      data-active={active || undefined}
      title={title ?? children}
    >
      <span className={css.itemIcon}>
        {icon}
        {alarm && <i data-alarm={alarm} />}
      </span>
      <span className="truncate">{children}</span>
      {count ? <b data-strong={strong || undefined}>{count > 999 ? "999+" : count}</b> : null}
    </Link>
  );
}
