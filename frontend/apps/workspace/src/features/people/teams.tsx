import type { Team } from "@switchboard/protocol";
import { Avatar, Blank, Bones } from "@switchboard/ui";
import { App, Button, Input, Popconfirm, Tooltip, Typography } from "antd";
import { Trash2, UsersRound } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAgents, useDeleteTeam, useSaveTeam, useTeams } from "@/sync/people";
import css from "./people.module.css";

export function TeamsPage() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const teams = useTeams();
  const save = useSaveTeam();
  const [name, setName] = useState("");
  const add = () => {
    if (!name.trim()) return;
    save.mutate(
      { name: name.trim() },
      { onSuccess: () => setName(""), onError: (error) => void message.error(error.message) },
    );
  };
  return (
    <div className={css.page}>
      <h1>{t("admin.teams")}</h1>
      <p className="muted">{t("teams.intro")}</p>
      <div className={css.addLine}>
        <Input
          value={name}
          maxLength={60}
          onChange={(e) => setName(e.target.value)}
          onPressEnter={(e) => !e.nativeEvent.isComposing && add()}
          placeholder={t("teams.name")}
        />
        <Button type="primary" onClick={add} disabled={!name.trim()} loading={save.isPending}>
          {t("teams.add")}
        </Button>
      </div>
      {!teams.data ? (
        <Bones rows={4} />
      ) : teams.data.length === 0 ? (
        <Blank
          icon={<UsersRound size={30} strokeWidth={1.4} />}
          title={t("teams.none")}
          hint={t("teams.noneHint")}
        />
      ) : (
        <div className={css.cards}>
          {teams.data.map((team) => (
            <TeamCard key={team.id} team={team} />
          ))}
        </div>
      )}
    </div>
  );
}

function TeamCard({ team }: { team: Team }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const agents = useAgents().data ?? [];
  const save = useSaveTeam();
  const remove = useDeleteTeam();
  const fail = (error: Error) => void message.error(error.message);
  const members = agents.filter((a) => team.member_ids.includes(a.id));
  return (
    <div className={css.card}>
      <div className={css.cardHead}>
        <Typography.Text
          strong
          editable={{
            triggerType: ["icon"],
            tooltip: t("channels.rename"),
            onChange: (name) =>
              name.trim() &&
              name !== team.name &&
              save.mutate({ id: team.id, name: name.trim() }, { onError: fail }),
          }}
        >
          {team.name}
        </Typography.Text>
        <Popconfirm
          title={t("teams.deleteAsk")}
          okText={t("channels.delete")}
          okButtonProps={{ danger: true }}
          onConfirm={() => remove.mutate(team.id, { onError: fail })}
        >
          <Button
            size="small"
            type="text"
            danger
            icon={<Trash2 size={14} />}
            aria-label={t("channels.delete")}
          />
        </Popconfirm>
      </div>
      <div className={css.faces}>
        {members.slice(0, 10).map((a) => (
          <Tooltip key={a.id} title={a.name}>
            <span>
              <Avatar name={a.name} seed={a.id} size={26} />
            </span>
          </Tooltip>
        ))}
        <span className="faint">{t("transfer.members", { count: members.length })}</span>
      </div>
    </div>
  );
}
