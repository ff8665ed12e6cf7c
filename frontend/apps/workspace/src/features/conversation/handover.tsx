import type { Assignment } from "@switchboard/protocol";
import { ArrowRightLeft } from "lucide-react";
import { useTranslation } from "react-i18next";
import { clock, fullTime } from "@/lib/time";
import { useAgents, useTeams } from "@/sync/people";
import css from "./conversation.module.css";

/** Who got the conversation, told between the messages. */
export function Handover({ assignment }: { assignment: Assignment }) {
  const { t, i18n } = useTranslation();
  const agents = useAgents().data;
  const teams = useTeams().data;
  const agent = agents?.find((a) => a.id === assignment.agent_id)?.name;
  const who = agent ?? teams?.find((x) => x.id === assignment.team_id)?.name;
  const by = agents?.find((a) => a.id === assignment.by || a.name === assignment.by);
  const words = !who
    ? t("notices.released")
    : by && by.id === assignment.agent_id
      ? t("notices.taken", { who })
      : by
        ? t("notices.assignedBy", { by: by.name, who })
        : t("notices.assigned", { who });
  return (
    <div className={css.event}>
      <ArrowRightLeft size={12} /> {words}
      <time title={fullTime(assignment.at, i18n.language)}>{clock(assignment.at, i18n.language)}</time>
      {assignment.note && <div className={css.handoverNote}>{assignment.note}</div>}
    </div>
  );
}

/** The assignments between two messages; those before the first loaded one wait for their page. */
export function between(all: Assignment[], after: string | null, until: string | null): Assignment[] {
  return all.filter(
    (a) =>
      (after === null || Date.parse(a.at) >= Date.parse(after)) &&
      (until === null || Date.parse(a.at) < Date.parse(until)),
  );
}
