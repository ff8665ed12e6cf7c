import type { Conversation, Id, Message, Page } from "@switchboard/protocol";
import { get } from "@/sync/rest";
import { addMessages, addRow } from "./pages";
import { changeLive, useLive } from "./store";

const PAGE = 40;

const read = (id: Id, query: Record<string, number>) =>
  get<Page<Message>>(`/conversations/${id}/messages`, { limit: PAGE, ...query });

export async function loadLatest(id: Id): Promise<void> {
  const page = await read(id, {});
  changeLive((s) => addMessages(s, id, "latest", page.items, page.next !== null));
}

export async function loadBefore(id: Id): Promise<void> {
  const first = useLive.getState().timelines[id]?.messages.at(0);
  if (!first) return;
  const page = await read(id, { before: first.position });
  changeLive((s) => addMessages(s, id, "before", page.items, page.next !== null));
}

export async function loadAfter(id: Id): Promise<void> {
  const last = useLive.getState().timelines[id]?.messages.at(-1);
  if (!last) return;
  const page = await read(id, { after: last.position });
  changeLive((s) =>
    addMessages(s, id, "after", page.items, page.items.length === PAGE && page.next !== null),
  );
}

/** Shows the neighbourhood of one message, wherever it is in the past. */
export async function loadAround(id: Id, position: number): Promise<void> {
  const known = useLive.getState().timelines[id]?.messages.some((m) => m.position === position);
  if (known) return;
  const [before, after] = await Promise.all([
    read(id, { before: position + 1 }),
    read(id, { after: position }),
  ]);
  const items = [...before.items, ...after.items];
  changeLive((s) => addMessages(s, id, "around", items, after.next !== null));
}

export function keepRow(row: Conversation): void {
  changeLive((s) => addRow(s, row));
}

export function keepMessage(row: Message): void {
  changeLive((s) =>
    addMessages(s, row.conversation_id, "after", [row], s.timelines[row.conversation_id]?.hasAfter ?? false),
  );
}
