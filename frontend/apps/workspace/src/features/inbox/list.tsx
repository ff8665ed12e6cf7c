import type { Conversation, Id, ViewSort } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Inbox, PartyPopper } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useCommands } from "@/lib/commands";
import { readStored, writeStored } from "@/lib/stored";
import { useNow } from "@/lib/time";
import { useChannels } from "@/sync/channels";
import { followView, loadMoreRows } from "@/sync/live/live";
import { useLive } from "@/sync/live/store";
import { viewSpec, type Narrow, type ViewSpec } from "@/sync/live/views";
import { useAgents, useTeams } from "@/sync/people";
import { useMe } from "@/sync/session";
import { ListHead } from "./head";
import css from "./inbox.module.css";
import { Row, ROW_HEIGHT } from "./row";

interface Props {
  view: string;
  selected: Id | undefined;
  open: (id: Id) => void;
}

/** Second zone: the conversations of one view. */
export function ConversationList({ view, selected, open }: Props) {
  const [sort, setSort] = useState<ViewSort>(() => readStored<ViewSort>("sort", "last"));
  const [narrowed, setNarrowed] = useState<{ view: string; narrow: Narrow }>({ view, narrow: {} });
  const narrow = narrowed.view === view ? narrowed.narrow : NONE;
  const spec = useMemo(() => viewSpec(view, sort, narrow), [view, sort, narrow]);
  useEffect(() => followView(spec), [spec]);
  const title = useTitle(view);
  const known = useLive((s) => s.views[spec.key]);
  const ids = known?.ids ?? NO_IDS;
  useSteps(ids, selected, open);
  return (
    <section className={css.list} aria-label={title}>
      <ListHead
        title={title}
        count={known ? ids.length : null}
        more={Boolean(known?.next)}
        sort={spec.sort}
        setSort={(next) => {
          setSort(next);
          writeStored("sort", next);
        }}
        fixedSort={view === "waiting"}
        narrow={narrow}
        setNarrow={(next) => setNarrowed({ view, narrow: next })}
      />
      {known && (known.fresh || ids.length > 0) ? (
        <Rows key={spec.key} ids={ids} next={known.next} spec={spec} selected={selected} open={open} />
      ) : (
        <Bones rows={9} avatar />
      )}
    </section>
  );
}

const NONE: Narrow = {};
const NO_IDS: Id[] = [];

function useTitle(view: string): string {
  const { t } = useTranslation();
  const teams = useTeams().data;
  const channels = useChannels().data;
  const agents = useAgents().data;
  const [family, id] = view.split(":");
  if (!id) return t(`views.${view}`, { defaultValue: t("views.all") });
  const named = family === "team" ? teams : family === "channel" ? channels : agents;
  return named?.find((one) => one.id === id)?.name ?? "…";
}

/** `j` and `k` walk through the list. */
function useSteps(ids: Id[], selected: Id | undefined, open: (id: Id) => void): void {
  const { t } = useTranslation();
  const step = (by: number) => {
    const at = selected ? ids.indexOf(selected) : -1;
    const next = at < 0 ? ids[0] : ids[Math.min(ids.length - 1, Math.max(0, at + by))];
    if (next && next !== selected) open(next);
  };
  const section = t("commands.list");
  useCommands([
    { id: "next", section, title: t("commands.next"), key: "j", hidden: true, run: () => step(1) },
    { id: "previous", section, title: t("commands.previous"), key: "k", hidden: true, run: () => step(-1) },
  ]);
}

interface RowsProps {
  ids: Id[];
  next: string | null;
  spec: ViewSpec;
  selected: Id | undefined;
  open: (id: Id) => void;
}

function Rows({ ids, next, spec, selected, open }: RowsProps) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const now = useNow();
  const me = useMe().agent.id;
  const rows = useLive((s) => s.conversations);
  const agents = useAgents().data;
  const names = useMemo(() => new Map(agents?.map((a) => [a.id, a.name])), [agents]);
  const list = useVirtualizer({
    count: ids.length + (next ? 1 : 0),
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
    getItemKey: (index) => ids[index] ?? "more",
  });
  useHold(box, ids);
  const items = list.getVirtualItems();
  const atEnd = next !== null && (items.at(-1)?.index ?? 0) >= ids.length;
  useEffect(() => {
    if (atEnd) void loadMoreRows(spec).catch(() => undefined);
  }, [atEnd, spec, ids.length]);
  const index = selected ? ids.indexOf(selected) : -1;
  useEffect(() => {
    if (index >= 0) list.scrollToIndex(index, { align: "auto" });
    // Only when another conversation is chosen, not when the chosen one moves.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);
  if (ids.length === 0)
    return (
      <Blank
        icon={
          spec.key === "mine" ? (
            <PartyPopper size={30} strokeWidth={1.4} />
          ) : (
            <Inbox size={30} strokeWidth={1.4} />
          )
        }
        title={t(`empty.${spec.key}.title`, { defaultValue: t("empty.any.title") })}
        hint={t(`empty.${spec.key}.hint`, { defaultValue: t("empty.any.hint") })}
      />
    );
  return (
    <div ref={box} className={css.scroll}>
      <div style={{ height: list.getTotalSize(), position: "relative" }}>
        {items.map((item) => {
          const row: Conversation | undefined = rows[ids[item.index] ?? ""];
          return (
            <div
              key={item.key}
              className={css.slot}
              style={{ transform: `translateY(${item.start}px)`, height: ROW_HEIGHT }}
            >
              {row ? (
                <Row
                  row={row}
                  now={now}
                  selected={row.id === selected}
                  assignee={row.assignee_id === me ? null : (names.get(row.assignee_id ?? "") ?? null)}
                  open={open}
                />
              ) : (
                <Bones rows={1} avatar />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** A row that comes in above must not move what is being read: only a list at its top shows it at once. */
function useHold(box: React.RefObject<HTMLDivElement | null>, ids: Id[]): void {
  const before = useRef(ids);
  useEffect(() => {
    const element = box.current;
    const old = before.current;
    before.current = ids;
    if (!element || element.scrollTop < ROW_HEIGHT || old === ids) return;
    const top = old[Math.floor(element.scrollTop / ROW_HEIGHT)];
    const was = top ? old.indexOf(top) : -1;
    const is = top ? ids.indexOf(top) : -1;
    if (was >= 0 && is >= 0 && was !== is) element.scrollTop += (is - was) * ROW_HEIGHT;
  }, [box, ids]);
}
