/** What the screens follow, and the socket that follows it for them. */
import type { Id } from "@switchboard/protocol";
import { get } from "@/sync/rest";
import { openView } from "./apply";
import { addRows, retain } from "./pages";
import { LiveSocket } from "./socket";
import { changeLive, useLive } from "./store";
import { loadLatest } from "./timelines";
import { filterQuery, viewSpec, type ViewSpec } from "./views";

const PAGE = 50;
/** Conversations whose messages are followed: the open one and those seen just before. */
const FOLLOWED = 6;
/** Always followed, for notifications and the badge. */
const STANDING_VIEWS = [viewSpec("mine", "last"), viewSpec("unassigned", "last")];

let current: ViewSpec | null = null;
let followed: Id[] = [];
let lookingAt: Id | null = null;
let onRefused: () => void = () => undefined;
let onReady: () => void = () => undefined;
let subscribed = "";

/** Resuming makes sense only when there is a snapshot of every list to resume from. */
function resumeFrom(): number {
  const state = useLive.getState();
  return followedViews().every((v) => state.views[v.key]?.fresh) ? state.cursor : 0;
}

function followedViews(): ViewSpec[] {
  const extra = current && !STANDING_VIEWS.some((v) => v.key === current?.key) ? [current] : [];
  return [...STANDING_VIEWS, ...extra];
}

const socket = new LiveSocket({
  from: resumeFrom,
  ready: () => {
    subscribed = "";
    subscribe();
    socket.send({ type: "looking", conversation_id: lookingAt });
    for (const id of followed) void loadLatest(id).catch(() => undefined);
    readAgain(followed);
    onReady();
  },
  resync: () => undefined,
  refused: () => onRefused(),
});

export function startLive(events: { refused: () => void; ready: () => void }): () => void {
  onRefused = events.refused;
  onReady = events.ready;
  socket.start();
  return () => socket.stop();
}

export const reconnectNow = () => socket.now();

function subscribe(): void {
  const views = followedViews();
  const frame = {
    type: "subscribe" as const,
    views: views.map((v) => ({ ...v, limit: PAGE })),
    conversations: followed,
    counters: true,
  };
  const text = JSON.stringify(frame);
  if (text === subscribed) return;
  changeLive((state) => views.reduce((s, v) => openView(s, v.key, v.sort), state));
  if (socket.send(frame)) subscribed = text;
}

export function followView(spec: ViewSpec): void {
  if (current?.key === spec.key) return;
  const left = current;
  current = spec;
  // A list that is no longer fed is stale when it is shown again.
  if (left && !STANDING_VIEWS.some((v) => v.key === left.key))
    changeLive((state) => ({
      ...state,
      views: Object.fromEntries(Object.entries(state.views).filter(([key]) => key !== left.key)),
    }));
  subscribe();
}

/**
 * A change after the first reading and before the server follows these would be told by nobody: what is read once it
 * follows them leaves no gap.
 */
function readAgain(ids: Id[]): void {
  void socket
    .answered()
    .then(() => Promise.allSettled(ids.filter((id) => followed.includes(id)).map(loadLatest)));
}

export function followConversation(id: Id): void {
  followed = [id, ...followed.filter((x) => x !== id)].slice(0, FOLLOWED);
  changeLive((state) => retain(state, followed));
  subscribe();
  readAgain([id]);
}

export function lookAt(id: Id | null): void {
  if (lookingAt === id) return;
  lookingAt = id;
  socket.send({ type: "looking", conversation_id: id });
}

let lastTyping = 0;

export function tellTyping(id: Id): void {
  const now = Date.now();
  if (now - lastTyping < 3000) return;
  lastTyping = now;
  socket.send({ type: "typing", conversation_id: id });
}

/** Reads the next page of a list; a failure leaves the list as it is and may be tried again. */
export async function loadMoreRows(spec: ViewSpec): Promise<void> {
  const cursor = useLive.getState().views[spec.key]?.next;
  if (!cursor) return;
  const page = await get<Parameters<typeof addRows>[3]>("/conversations", {
    ...filterQuery(spec),
    cursor,
    limit: PAGE,
  });
  changeLive((state) => addRows(state, spec.key, cursor, page));
}
