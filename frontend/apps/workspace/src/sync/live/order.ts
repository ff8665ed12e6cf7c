import type { Conversation, Id, ViewSort } from "@switchboard/protocol";

/** Order of a view: latest first, or longest waiting first with those not waiting behind; ties by id, newest first. */
export function compare(sort: ViewSort, a: Conversation, b: Conversation): number {
  if (sort === "waiting" && a.waiting_since !== b.waiting_since) {
    if (a.waiting_since === null) return 1;
    if (b.waiting_since === null) return -1;
    return a.waiting_since < b.waiting_since ? -1 : 1;
  }
  if (a.last_at !== b.last_at) return a.last_at > b.last_at ? -1 : 1;
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
