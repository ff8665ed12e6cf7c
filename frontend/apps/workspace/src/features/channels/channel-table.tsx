import type { Channel } from "@switchboard/protocol";
import { App, Select, Table, Tooltip, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { listTime, useNow } from "@/lib/time";
import { useChangeChannel, useChannels, useLiveChannel } from "@/sync/channels";
import { AutoReply } from "./auto-reply";
import { useTeams } from "@/sync/people";
import { StatusDot } from "./status";

/** The numbers, pages or mailboxes of one connection. */
export function ChannelTable({ channels }: { channels: Channel[] }) {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const now = useNow();
  const teams = useTeams().data ?? [];
  const others = (useChannels().data ?? []).filter((c) => c.status !== "grey");
  const change = useChangeChannel();
  const fail = (error: Error) => void message.error(error.message);
  const time = (at: string | null) => (at ? listTime(at, now, i18n.language) : "—");
  return (
    <Table<Channel>
      size="small"
      rowKey="id"
      pagination={false}
      dataSource={channels}
      locale={{ emptyText: t("channels.noAccounts") }}
      columns={[
        {
          title: t("channels.account"),
          render: (_, c) => (
            <>
              <Status channel={c} />
              <Typography.Text
                editable={{
                  triggerType: ["icon"],
                  tooltip: t("channels.rename"),
                  onChange: (name) =>
                    name.trim() &&
                    name !== c.name &&
                    change.mutate({ id: c.id, name: name.trim() }, { onError: fail }),
                }}
              >
                {c.name}
              </Typography.Text>
              {c.external_id !== c.name && (
                <Typography.Text
                  type="secondary"
                  ellipsis={{ tooltip: c.external_id }}
                  style={{ display: "block", maxWidth: 200, paddingLeft: 16 }}
                >
                  {c.external_id}
                </Typography.Text>
              )}
            </>
          ),
        },
        {
          title: t("channels.team"),
          width: 126,
          render: (_, c) => (
            <Select
              size="small"
              variant="filled"
              allowClear
              style={{ width: "100%" }}
              value={c.team_id ?? undefined}
              placeholder={t("channels.anyTeam")}
              onChange={(team: string | undefined) =>
                change.mutate({ id: c.id, team_id: team ?? null }, { onError: fail })
              }
              options={teams.map((x) => ({ value: x.id, label: x.name }))}
            />
          ),
        },
        {
          title: t("channels.autoReply"),
          width: 126,
          render: (_, c) => <AutoReply channel={c} />,
        },
        {
          title: <Tooltip title={t("channels.fallbackHint")}>{t("channels.fallback")}</Tooltip>,
          width: 126,
          render: (_, c) => (
            <Select
              size="small"
              variant="filled"
              allowClear
              style={{ width: "100%" }}
              aria-label={t("channels.fallback")}
              value={c.fallback_channel_id ?? undefined}
              placeholder={t("channels.noFallback")}
              onChange={(other: string | undefined) =>
                change.mutate({ id: c.id, fallback_channel_id: other ?? null }, { onError: fail })
              }
              options={others.filter((x) => x.id !== c.id).map((x) => ({ value: x.id, label: x.name }))}
            />
          ),
        },
        {
          title: t("channels.lastTraffic"),
          width: 104,
          render: (_, c) => <Traffic received={time(c.last_in_at)} sent={time(c.last_out_at)} />,
        },
      ]}
    />
  );
}

function Traffic({ received, sent }: { received: string; sent: string }) {
  const { t } = useTranslation();
  return (
    <>
      <div title={t("channels.lastIn")}>↓ {received}</div>
      <div title={t("channels.lastOut")}>↑ {sent}</div>
    </>
  );
}

function Status({ channel }: { channel: Channel }) {
  const live = useLiveChannel(channel);
  return (
    <span title={live.reason ?? undefined}>
      <StatusDot status={live.status} />
    </span>
  );
}
