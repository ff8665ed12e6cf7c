import type { Conversation, Id, ViewSort } from "@switchboard/protocol";

/** An instant as text that sorts by time, whatever number of decimals the server wrote. */
const sortable = (at: string): string =>
  at.replace(/(?:\.(\d+))?Z$/, (_, decimals: string | undefined) => (decimals ?? "").padEnd(9, "0"));

export const before = (a: string, b: string): boolean => sortable(a) < sortable(b);

/** The order of the server's lists: latest first, or longest waiting first (those not waiting behind). */
export function compare(sort: ViewSort, a: Conversation, b: Conversation): number {
  if (sort === "waiting") {
    if (a.waiting_since === null || b.waiting_since === null) {
      if (a.waiting_since !== b.waiting_since) return a.waiting_since === null ? 1 : -1;
    } else if (a.waiting_since !== b.waiting_since) return before(a.waiting_since, b.waiting_since) ? -1 : 1;
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  }
  if (a.last_at !== b.last_at) return before(b.last_at, a.last_at) ? -1 : 1;
  return a.id > b.id ? -1 : a.id < b.id ? 1 : 0;
}

/** `ids` (already in order) with `row` at its place; found by bisection. */
export function place(
  ids: Id[],
  row: Conversation,
  rows: Record<Id, Conversation>,
  sort: ViewSort,
): { ids: Id[]; index: number } {
  const rest = ids.filter((id) => id !== row.id);
  let low = 0;
  let high = rest.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = rows[rest[middle] ?? ""];
    if (other && compare(sort, other, row) < 0) low = middle + 1;
    else high = middle;
  }
  return { ids: [...rest.slice(0, low), row.id, ...rest.slice(low)], index: low };
}
