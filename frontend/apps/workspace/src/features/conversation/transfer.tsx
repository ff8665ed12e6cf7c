import type { Agent, Conversation, ConversationDetail } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { Input, Modal, Segmented } from "antd";
import { UsersRound } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useAgents, usePresence, useTeams } from "@/sync/people";
import { useMe } from "@/sync/session";
import css from "./conversation.module.css";
import type { Act } from "./header";

interface Props {
  row: Conversation;
  detail: ConversationDetail | undefined;
  act: Act;
  close: () => void;
}

type Target = { agent_id: string } | { team_id: string };

export function TransferDialog({ row, detail, act, close }: Props) {
  const { t } = useTranslation();
  const [family, setFamily] = useState<"agents" | "teams">("agents");
  const [find, setFind] = useState("");
  const [target, setTarget] = useState<Target | null>(null);
  const [note, setNote] = useState("");
  const give = () => {
    if (!target) return;
    const words = note.trim() || undefined;
    const to =
      "agent_id" in target ? { agent_id: target.agent_id } : { agent_id: null, team_id: target.team_id };
    act({ verb: "assign", ...to, note: words }, close);
  };
  return (
    <Modal
      open
      title={t("transfer.title")}
      onCancel={close}
      onOk={give}
      okText={t("action.transfer")}
      okButtonProps={{ disabled: !target }}
      width={440}
    >
      <div style={{ display: "flex", gap: 8, margin: "10px 0" }}>
        <Segmented<"agents" | "teams">
          value={family}
          onChange={(value) => {
            setFamily(value);
            setTarget(null);
          }}
          options={[
            { value: "agents", label: t("transfer.agents") },
            { value: "teams", label: t("transfer.teams") },
          ]}
        />
        <Input
          autoFocus
          allowClear
          value={find}
          onChange={(e) => setFind(e.target.value)}
          placeholder={t("transfer.find")}
        />
      </div>
      <div className={css.targets}>
        {family === "agents" ? (
          <Agents row={row} find={find} target={target} choose={setTarget} />
        ) : (
          <Teams find={find} target={target} choose={setTarget} />
        )}
      </div>
      <Input.TextArea
        value={note}
        onChange={(e) => setNote(e.target.value)}
        placeholder={t("transfer.note")}
        autoSize={{ minRows: 2, maxRows: 5 }}
        style={{ marginTop: 10 }}
      />
      <History detail={detail} />
    </Modal>
  );
}

interface PickProps {
  find: string;
  target: Target | null;
  choose: (target: Target) => void;
}

const fits = (name: string, find: string) => name.toLowerCase().includes(find.trim().toLowerCase());

function Agents({ row, find, target, choose }: PickProps & { row: Conversation }) {
  const me = useMe().agent.id;
  const agents = (useAgents().data ?? []).filter(
    (a) => !a.disabled && a.id !== row.assignee_id && fits(a.name, find),
  );
  const rank = { online: 0, busy: 1, offline: 2 };
  return [...agents]
    .sort((a, b) => rank[a.presence.status] - rank[b.presence.status] || a.name.localeCompare(b.name))
    .map((agent) => (
      <AgentTarget
        key={agent.id}
        agent={agent}
        mine={agent.id === me}
        chosen={target !== null && "agent_id" in target && target.agent_id === agent.id}
        choose={() => choose({ agent_id: agent.id })}
      />
    ));
}

function AgentTarget({
  agent,
  mine,
  chosen,
  choose,
}: {
  agent: Agent;
  mine: boolean;
  chosen: boolean;
  choose: () => void;
}) {
  const { t } = useTranslation();
  const presence = usePresence(agent);
  return (
    <Line chosen={chosen} choose={choose} face={<Avatar name={agent.name} seed={agent.id} size={26} />}>
      <span className="truncate">
        {agent.name}
        {mine && <span className="faint"> {t("people.you")}</span>}
      </span>
      <span className="faint" style={{ marginLeft: "auto", whiteSpace: "nowrap" }}>
        <i className={css.presence} data-status={presence.status} />
        {t(`presence.${presence.status}`)} {presence.load}/{presence.capacity}
      </span>
    </Line>
  );
}

function Teams({ find, target, choose }: PickProps) {
  const { t } = useTranslation();
  const teams = (useTeams().data ?? []).filter((team) => fits(team.name, find));
  return teams.map((team) => (
    <Line
      key={team.id}
      chosen={target !== null && "team_id" in target && target.team_id === team.id}
      choose={() => choose({ team_id: team.id })}
      face={<UsersRound size={18} style={{ margin: 4 }} />}
    >
      <span className="truncate">{team.name}</span>
      <span className="faint" style={{ marginLeft: "auto" }}>
        {t("transfer.members", { count: team.member_ids.length })}
      </span>
    </Line>
  ));
}

function Line({
  chosen,
  choose,
  face,
  children,
}: {
  chosen: boolean;
  choose: () => void;
  face: ReactNode;
  children: ReactNode;
}) {
  return (
    <button type="button" className={css.target} data-chosen={chosen || undefined} onClick={choose}>
      {face}
      {children}
    </button>
  );
}

function History({ detail }: { detail: ConversationDetail | undefined }) {
  const { t, i18n } = useTranslation();
  const agents = useAgents().data;
  const teams = useTeams().data;
  const past = (detail?.assignments ?? []).slice(-3).reverse();
  if (past.length === 0) return null;
  const name = (a: (typeof past)[number]) =>
    agents?.find((x) => x.id === a.agent_id)?.name ??
    teams?.find((x) => x.id === a.team_id)?.name ??
    t("list.nobody");
  return (
    <div className={css.history}>
      <div className="faint">{t("transfer.before")}</div>
      {past.map((a) => (
        <div key={a.at}>
          {name(a)} <span className="faint">{fullTime(a.at, i18n.language)}</span>
          {a.note && <span className="muted"> — {a.note}</span>}
        </div>
      ))}
    </div>
  );
}
