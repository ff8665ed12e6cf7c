import type { Conversation, Id, Message, Page } from "@switchboard/protocol";
import { get } from "@/sync/rest";
import { message } from "./apply";
import { addMessages, addRow } from "./pages";
import type { Live } from "./state";
import { changeLive, onMessage, useLive } from "./store";

const PAGE = 40;

const page = (id: Id, query: Record<string, number>) =>
  get<Page<Message>>(`/conversations/${id}/messages`, { limit: PAGE, ...query });

type Add = (state: Live) => Live;

/**
 * Reads, and adds what was read. What the stream told meanwhile may be newer than the answer, so it is told once more
 * after it.
 */
async function reading<T>(id: Id, read: () => Promise<T>, add: (read: T) => Add): Promise<void> {
  const meanwhile: Message[] = [];
  const stop = onMessage((row) => row.conversation_id === id && meanwhile.push(row));
  try {
    const step = add(await read());
    changeLive((s) => meanwhile.reduce(message, step(s)));
  } finally {
    stop();
  }
}

export const loadLatest = (id: Id): Promise<void> =>
  reading(
    id,
    () => page(id, {}),
    (found) => (s) => addMessages(s, id, "latest", found.items, found.next !== null),
  );

export async function loadBefore(id: Id): Promise<void> {
  const first = useLive.getState().timelines[id]?.messages.at(0);
  if (!first) return;
  await reading(
    id,
    () => page(id, { before: first.position }),
    (found) => (s) => addMessages(s, id, "before", found.items, found.next !== null),
  );
}

export async function loadAfter(id: Id): Promise<void> {
  const last = useLive.getState().timelines[id]?.messages.at(-1);
  if (!last) return;
  await reading(
    id,
    () => page(id, { after: last.position }),
    (found) => (s) =>
      addMessages(s, id, "after", found.items, found.items.length === PAGE && found.next !== null),
  );
}

/** Shows the neighbourhood of one message, wherever it is in the past. */
export async function loadAround(id: Id, position: number): Promise<void> {
  const known = useLive.getState().timelines[id]?.messages.some((m) => m.position === position);
  if (known) return;
  await reading(
    id,
    () => Promise.all([page(id, { before: position + 1 }), page(id, { after: position })]),
    ([before, after]) =>
      (s) =>
        addMessages(s, id, "around", [...before.items, ...after.items], after.next !== null),
  );
}

export function keepRow(row: Conversation): void {
  changeLive((s) => addRow(s, row));
}

export function keepMessage(row: Message): void {
  changeLive((s) =>
    addMessages(s, row.conversation_id, "after", [row], s.timelines[row.conversation_id]?.hasAfter ?? false),
  );
}
