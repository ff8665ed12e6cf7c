/** The lists of the desk: their names in addresses and what they hold. */
import type { ConversationStatus, Id, ViewFilter, ViewSort } from "@switchboard/protocol";

export const STANDING = ["mine", "unassigned", "all", "waiting", "snoozed", "resolved"] as const;
export type Standing = (typeof STANDING)[number];

const ACTIVE: ConversationStatus[] = ["new", "open", "pending"];

const FILTERS: Record<Standing, ViewFilter> = {
  mine: { status: ACTIVE, assignee: "me" },
  unassigned: { status: ACTIVE, assignee: "none" },
  all: { status: ACTIVE },
  waiting: { status: ["new", "open"] },
  snoozed: { status: ["snoozed"] },
  resolved: { status: ["resolved"] },
};

/** What narrows a list further. */
export interface Narrow {
  channel?: Id;
  kind?: string;
  tag?: string;
  assignee?: string;
}

export interface ViewSpec {
  key: string;
  filter: ViewFilter;
  sort: ViewSort;
}

/** `name` is one of the standing views, `team:<id>`, `channel:<id>` or `agent:<id>`. */
export function filterOf(name: string): ViewFilter {
  const [family, id] = name.split(":");
  if (id && family === "team") return { status: ACTIVE, team: id };
  if (id && family === "channel") return { status: ACTIVE, channel: id };
  if (id && family === "agent") return { status: ACTIVE, assignee: id };
  return FILTERS[name as Standing] ?? FILTERS.all;
}

export function viewSpec(name: string, sort: ViewSort, narrow: Narrow = {}): ViewSpec {
  const wanted = Object.fromEntries(Object.entries(narrow).filter(([, value]) => value)) as Narrow;
  const extra = Object.entries(wanted)
    .map(([field, value]) => `${field}=${value}`)
    .sort()
    .join("&");
  const order = name === "waiting" ? "waiting" : sort;
  const key = [name, order === "last" ? "" : order, extra].filter(Boolean).join("|");
  return { key, filter: { ...filterOf(name), ...wanted }, sort: order };
}

/** The same filter in words of `GET /conversations`. */
export function filterQuery(spec: ViewSpec): Record<string, string | undefined> {
  const { status, ...rest } = spec.filter;
  return { ...rest, status: status?.join(","), sort: spec.sort };
}
