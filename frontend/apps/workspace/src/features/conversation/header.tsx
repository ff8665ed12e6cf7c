import type { Conversation, ConversationDetail, Priority } from "@switchboard/protocol";
import { Bones, ChannelMark, Kbd } from "@switchboard/ui";
import { App, Button, Dropdown, Tag, Tooltip, type MenuProps } from "antd";
import {
  ArrowRightLeft,
  Check,
  Ellipsis,
  Eye,
  Flag,
  Hand,
  MoonStar,
  PanelRight,
  PauseCircle,
  RotateCcw,
} from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { personName } from "@/lib/text";
import { keyLabel, useCommands } from "@/lib/commands";
import { conflictOf, useChangeConversation, useVerb, type Verb } from "@/sync/desk";
import { useLive } from "@/sync/live/store";
import { useAgents, useTeams } from "@/sync/people";
import { useMe } from "@/sync/session";
import css from "./conversation.module.css";
import { snoozeChoices } from "./snooze";
import { SnoozeDialog } from "./snooze-dialog";
import { TransferDialog } from "./transfer";

interface Props {
  row: Conversation | undefined;
  detail: ConversationDetail | undefined;
  panelOpen: boolean;
  togglePanel: () => void;
  leave: () => void;
}

export function Header({ row, detail, panelOpen, togglePanel, leave }: Props) {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<"transfer" | "snooze" | null>(null);
  const act = useAct(row);
  useRowCommands(row, act, setDialog, togglePanel, leave);
  if (!row)
    return (
      <header className={css.header}>
        <div style={{ width: 260 }}>
          <Bones rows={1} />
        </div>
      </header>
    );
  return (
    <header className={css.header}>
      <div className={css.who}>
        <div className={css.whoLine}>
          <h2 className="truncate">{personName(row.contact.name, t)}</h2>
          {row.kinds.map((kind) => (
            <ChannelMark
              key={kind}
              kind={kind}
              size={17}
              title={t(`kinds.${kind}`, { defaultValue: kind })}
            />
          ))}
          <StatusTag row={row} />
        </div>
        <div className={css.whoLine}>
          <Holder row={row} />
          {row.subject && <span className="truncate muted">{row.subject}</span>}
          <Others id={row.id} />
        </div>
      </div>
      <Actions row={row} act={act} open={setDialog} />
      <Tooltip title={<Hint text={t("action.panel")} k="i" />}>
        <Button
          type="text"
          icon={<PanelRight size={16} />}
          onClick={togglePanel}
          aria-pressed={panelOpen}
          aria-label={t("action.panel")}
        />
      </Tooltip>
      {dialog === "transfer" && (
        <TransferDialog row={row} act={act} close={() => setDialog(null)} detail={detail} />
      )}
      {dialog === "snooze" && <SnoozeDialog act={act} close={() => setDialog(null)} />}
    </header>
  );
}

/** What nobody has is taken; from a colleague it is handed over. */
const taking = (row: Conversation, me: string): Verb =>
  row.assignee_id === null ? { verb: "take" } : { verb: "assign", agent_id: me };

export type Act = (verb: Verb, done?: () => void) => void;

/** Runs a verb and tells what came of it; who was faster, if somebody was. */
function useAct(row: Conversation | undefined): Act {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const agents = useAgents().data;
  const run = useVerb(row);
  return (verb, done) =>
    run.mutate(verb, {
      onSuccess: () => {
        if (verb.verb !== "pend") void message.success({ content: t(`done.${verb.verb}`), duration: 1.6 });
        done?.();
      },
      onError: (error) => {
        const current = conflictOf(error);
        const winner = agents?.find((a) => a.id === current?.assignee_id)?.name;
        const words = current
          ? winner
            ? t("conflict.won", { name: winner })
            : t("conflict.changed")
          : error.message;
        void message.warning(words || t("failed.hint"));
      },
    });
}

function useRowCommands(
  row: Conversation | undefined,
  act: Act,
  open: (dialog: "transfer" | "snooze") => void,
  togglePanel: () => void,
  leave: () => void,
): void {
  const { t } = useTranslation();
  const me = useMe().agent.id;
  const change = useChangeConversation(row?.id ?? "");
  const section = t("commands.conversation");
  const closed = row?.status === "resolved";
  useCommands([
    {
      id: "take",
      section,
      title: row?.assignee_id ? t("action.takeOver") : t("action.take"),
      key: "t",
      disabled: !row || row.assignee_id === me,
      run: () => row && act(taking(row, me)),
    },
    {
      id: "transfer",
      section,
      title: t("action.transfer"),
      key: "a",
      disabled: !row,
      run: () => open("transfer"),
    },
    {
      id: "resolve",
      section,
      title: t("action.resolve"),
      key: "e",
      disabled: !row || closed,
      run: () => act({ verb: "resolve" }),
    },
    {
      id: "reopen",
      section,
      title: t("action.reopen"),
      key: "o",
      disabled: !closed,
      run: () => act({ verb: "reopen" }),
    },
    {
      id: "snooze",
      section,
      title: t("action.snooze"),
      key: "z",
      disabled: !row || closed,
      run: () => open("snooze"),
    },
    {
      id: "pend",
      section,
      title: t("action.pend"),
      key: "w",
      disabled: !row || closed,
      run: () => act({ verb: "pend" }),
    },
    {
      id: "priority",
      section,
      title: t("action.priorityNext"),
      key: "p",
      disabled: !row,
      run: () => row && change.mutate({ priority: (row.priority + 1) % 4 }),
    },
    { id: "panel", section, title: t("action.panel"), key: "i", run: togglePanel },
    { id: "leave", section, title: t("action.leave"), key: "escape", hidden: true, run: leave },
  ]);
}

function StatusTag({ row }: { row: Conversation }) {
  const { t } = useTranslation();
  const colour = { new: "gold", open: "green", pending: "default", snoozed: "purple", resolved: "default" }[
    row.status
  ];
  return (
    <Tag color={colour} variant="filled" style={{ margin: 0 }}>
      {t(`status.${row.status}`)}
    </Tag>
  );
}

function Holder({ row }: { row: Conversation }) {
  const { t } = useTranslation();
  const me = useMe().agent.id;
  const agents = useAgents().data;
  const teams = useTeams().data;
  const agent = agents?.find((a) => a.id === row.assignee_id)?.name;
  const team = teams?.find((x) => x.id === row.team_id)?.name;
  const who = row.assignee_id === me ? t("conversation.mine") : (agent ?? t("list.nobody"));
  return (
    <span className="muted" style={{ whiteSpace: "nowrap" }}>
      {who}
      {team && <span className="faint"> · {team}</span>}
    </span>
  );
}

function Others({ id }: { id: string }) {
  const { t } = useTranslation();
  const me = useMe().agent.id;
  const looking = useLive((s) => s.looking[id]);
  const others = (looking ?? []).filter((a) => a.id !== me);
  if (others.length === 0) return null;
  return (
    <span className={css.others}>
      <Eye size={13} />
      <span className="truncate">
        {t("conversation.looking", { names: others.map((a) => a.name).join("、") })}
      </span>
    </span>
  );
}

function Hint({ text, k }: { text: string; k: string }) {
  return (
    <span>
      {text} <Kbd>{keyLabel(k)}</Kbd>
    </span>
  );
}

function Actions({
  row,
  act,
  open,
}: {
  row: Conversation;
  act: Act;
  open: (dialog: "transfer" | "snooze") => void;
}) {
  const { t, i18n } = useTranslation();
  const me = useMe().agent.id;
  const change = useChangeConversation(row.id);
  const closed = row.status === "resolved";
  const icon = { size: 15 };
  const more: MenuProps["items"] = [
    {
      key: "priority",
      icon: <Flag {...icon} />,
      label: t("action.priority"),
      children: ([0, 1, 2, 3] as Priority[]).map((level) => ({
        key: `priority.${level}`,
        label: t(`priority.${level}`),
      })),
    },
    {
      key: "snooze",
      icon: <MoonStar {...icon} />,
      disabled: closed,
      label: t("action.snooze"),
      children: [
        ...snoozeChoices(new Date()).map(({ id, until }) => ({
          key: `snooze.${until.toISOString()}`,
          label: t(`snooze.${id}`, {
            time: until.toLocaleTimeString(i18n.language, { hour: "2-digit", minute: "2-digit" }),
          }),
        })),
        { key: "snooze-pick", label: t("snooze.pick") },
      ],
    },
    {
      key: "pend",
      icon: <PauseCircle {...icon} />,
      disabled: closed || row.status === "pending",
      label: t("action.pend"),
      extra: keyLabel("w"),
    },
  ];
  const chosen = (key: string) => {
    if (key.startsWith("priority.")) change.mutate({ priority: Number(key.slice(9)) });
    else if (key === "snooze-pick") open("snooze");
    else if (key.startsWith("snooze.")) act({ verb: "snooze", until: key.slice(7) });
    else if (key === "pend") act({ verb: "pend" });
  };
  return (
    <div className={css.actions}>
      {row.assignee_id !== me && !closed && (
        <Tooltip
          title={
            <Hint text={row.assignee_id === null ? t("action.takeHint") : t("action.takeOverHint")} k="t" />
          }
        >
          <Button icon={<Hand {...icon} />} onClick={() => act(taking(row, me))}>
            {row.assignee_id === null ? t("action.take") : t("action.takeOver")}
          </Button>
        </Tooltip>
      )}
      <Tooltip title={<Hint text={t("action.transferHint")} k="a" />}>
        <Button
          icon={<ArrowRightLeft {...icon} />}
          onClick={() => open("transfer")}
          aria-label={t("action.transfer")}
        >
          <span className={css.wide}>{t("action.transfer")}</span>
        </Button>
      </Tooltip>
      <Dropdown
        trigger={["click"]}
        menu={{ items: more, onClick: ({ key }) => chosen(key), selectedKeys: [`priority.${row.priority}`] }}
      >
        <Button icon={<Ellipsis {...icon} />} aria-label={t("action.more")} />
      </Dropdown>
      {closed ? (
        <Tooltip title={<Hint text={t("action.reopen")} k="o" />}>
          <Button icon={<RotateCcw {...icon} />} onClick={() => act({ verb: "reopen" })}>
            {t("action.reopen")}
          </Button>
        </Tooltip>
      ) : (
        <Tooltip title={<Hint text={t("action.resolve")} k="e" />}>
          <Button type="primary" icon={<Check {...icon} />} onClick={() => act({ verb: "resolve" })}>
            {t("action.resolve")}
          </Button>
        </Tooltip>
      )}
    </div>
  );
}
