import type { Agent, AgentChange, Invitation, Role } from "@switchboard/protocol";
import { Avatar, Blank, Bones } from "@switchboard/ui";
import { App, Button, InputNumber, Select, Switch, Table, Tag, Typography } from "antd";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useAgents, useChangeAgent, useInvitations, usePresence, useTeams, useWithdraw } from "@/sync/people";
import { useMe } from "@/sync/session";
import { InviteDialog } from "./invite";
import css from "./people.module.css";

const ROLES: Role[] = ["agent", "supervisor", "administrator"];

export function PeoplePage() {
  const { t } = useTranslation();
  const agents = useAgents();
  const invitations = useInvitations(true).data ?? [];
  const [inviting, setInviting] = useState(false);
  return (
    <div className={css.page}>
      <div className={css.titleLine}>
        <h1>{t("admin.people")}</h1>
        <Button type="primary" icon={<UserPlus size={15} />} onClick={() => setInviting(true)}>
          {t("people.invite")}
        </Button>
      </div>
      {agents.error ? (
        <Blank title={t("people.failed")} hint={agents.error.message} />
      ) : agents.data ? (
        <Agents agents={agents.data} />
      ) : (
        <Bones rows={6} avatar />
      )}
      {invitations.length > 0 && <Invitations invitations={invitations} />}
      {inviting && <InviteDialog close={() => setInviting(false)} />}
    </div>
  );
}

function Agents({ agents }: { agents: Agent[] }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const me = useMe().agent.id;
  const teams = useTeams().data ?? [];
  const change = useChangeAgent();
  const save = (id: string, next: AgentChange) =>
    change.mutate({ id, ...next }, { onError: (error) => void message.error(error.message) });
  return (
    <Table<Agent>
      size="small"
      rowKey="id"
      pagination={agents.length > 50 ? { pageSize: 50 } : false}
      dataSource={agents}
      rowClassName={(a) => (a.disabled ? (css.off ?? "") : "")}
      columns={[
        {
          title: t("people.name"),
          render: (_, a) => (
            <span className={css.person}>
              <Avatar name={a.name} seed={a.id} size={30} />
              <span style={{ minWidth: 0 }}>
                <Typography.Text
                  editable={{
                    triggerType: ["icon"],
                    tooltip: t("channels.rename"),
                    onChange: (name) => name.trim() && name !== a.name && save(a.id, { name: name.trim() }),
                  }}
                >
                  {a.name}
                </Typography.Text>
                {a.id === me && <span className="faint"> {t("people.you")}</span>}
                <span className="faint truncate" style={{ display: "block" }}>
                  {a.email}
                </span>
              </span>
            </span>
          ),
        },
        { title: t("people.presence"), width: 130, render: (_, a) => <PresenceCell agent={a} /> },
        {
          title: t("people.role"),
          width: 140,
          render: (_, a) => (
            <Select
              size="small"
              variant="filled"
              style={{ width: "100%" }}
              value={a.role}
              disabled={a.id === me}
              onChange={(role: Role) => save(a.id, { role })}
              options={ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
            />
          ),
        },
        {
          title: t("people.teams"),
          width: 220,
          render: (_, a) => (
            <Select
              size="small"
              variant="filled"
              mode="multiple"
              maxTagCount="responsive"
              style={{ width: "100%" }}
              value={a.team_ids}
              placeholder={t("people.noTeam")}
              onChange={(team_ids: string[]) => save(a.id, { team_ids })}
              options={teams.map((x) => ({ value: x.id, label: x.name }))}
            />
          ),
        },
        {
          title: t("people.capacity"),
          width: 96,
          render: (_, a) => (
            <Capacity
              key={a.presence.capacity}
              value={a.presence.capacity}
              save={(capacity) => save(a.id, { capacity })}
            />
          ),
        },
        {
          title: t("people.active"),
          width: 76,
          render: (_, a) => (
            <Switch
              size="small"
              checked={!a.disabled}
              disabled={a.id === me}
              aria-label={t("people.active")}
              onChange={(on) => save(a.id, { disabled: !on })}
            />
          ),
        },
      ]}
    />
  );
}

function Capacity({ value, save }: { value: number; save: (value: number) => void }) {
  const [next, setNext] = useState<number | null>(value);
  const done = () => next !== null && next !== value && save(next);
  return (
    <InputNumber
      size="small"
      variant="filled"
      min={0}
      max={100}
      value={next}
      onChange={setNext}
      onBlur={done}
      onPressEnter={done}
      style={{ width: 68 }}
    />
  );
}

function PresenceCell({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const presence = usePresence(agent);
  if (agent.disabled) return <span className="faint">{t("people.disabled")}</span>;
  return (
    <span style={{ whiteSpace: "nowrap" }}>
      <i className={css.dot} data-status={presence.status} />
      {t(`presence.${presence.status}`)} <span className="faint">{presence.load}</span>
    </span>
  );
}

function Invitations({ invitations }: { invitations: Invitation[] }) {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const withdraw = useWithdraw();
  return (
    <>
      <h2>{t("people.invited")}</h2>
      <Table<Invitation>
        size="small"
        rowKey="id"
        pagination={false}
        dataSource={invitations}
        columns={[
          { title: t("session.email"), dataIndex: "email" },
          {
            title: t("people.role"),
            width: 130,
            render: (_, i) => <Tag variant="filled">{t(`roles.${i.role}`)}</Tag>,
          },
          { title: t("people.expires"), width: 170, render: (_, i) => fullTime(i.expires_at, i18n.language) },
          {
            title: "",
            width: 200,
            render: (_, i) => (
              <span style={{ display: "flex", gap: 8, alignItems: "center" }}>
                {i.link && (
                  <Typography.Text
                    copyable={{ text: absolute(i.link), tooltips: [t("people.copyLink"), t("copy.copied")] }}
                  >
                    {t("people.link")}
                  </Typography.Text>
                )}
                <Button
                  size="small"
                  type="text"
                  danger
                  onClick={() =>
                    withdraw.mutate(i.id, { onError: (error) => void message.error(error.message) })
                  }
                >
                  {t("people.withdraw")}
                </Button>
              </span>
            ),
          },
        ]}
      />
    </>
  );
}

/** Links may be given without a host; people need the whole address. */
export const absolute = (link: string) => new URL(link, location.origin).href;
