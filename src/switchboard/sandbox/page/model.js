// What is shown, and how to change it.
import { get, post } from "./api.js";
import { either, t } from "./words.js";

export const now = {
  platform: "whatsapp",
  customer: "",
  account: "",
  room: "",
  bubbles: [],
  offset: 0,
  state: null,
  typing: {},
};
const paths = {
  whatsapp: "/sandbox/whatsapp/numbers",
  telegram: "/sandbox/telegram/bots",
  custom: "/sandbox/custom",
  email: "/sandbox/mailboxes",
};
const FIRST = ["whatsapp", "telegram", "email", "custom"].map((name) => ({
  name,
  menu:
    {
      whatsapp: ["edit", "revoke", "reaction"],
      telegram: ["edit", "revoke", "reaction"],
    }[name] || [],
  window_hours: ["whatsapp", "telegram"].includes(name) ? 24 : 0,
}));
export const faces = () => [...FIRST, ...now.state.platforms];
export const face = (name = now.platform) => faces().find((f) => f.name === name) || { name, menu: [] };
export const title = (name = now.platform) => (face(name).mark ? either(face(name)) : t(name));
// The class of a platform that the style sheets know; the others bring their colour along.
export const style = (name = now.platform) => (face(name).mark ? "" : name);
export const tone = (name = now.platform) => (face(name).color ? `--accent:${face(name).color}` : "");
let redraw = () => {};
export const onRedraw = (fn) => {
  redraw = fn;
};

export const people = () => Object.fromEntries(now.state.customers.map((c) => [c.id, c]));
export const customer = () => people()[now.customer];
export const accountsHere = () => now.state.accounts.filter((a) => a.platform === now.platform);
export const account = () => accountsHere().find((a) => a.id === now.account) || accountsHere()[0];
export const label = (a) => a.verified_name || a.name || a.address || a.id;

export function subtitle() {
  const a = account();
  const room = rooms().find((r) => r.value === now.room);
  if (room?.value) return room.title;
  return a ? a.display_phone_number || (a.username && `@${a.username}`) || a.address || t("online") : "";
}

export function rooms() {
  const a = account();
  if (!a) return [];
  const own = now.state.chats.filter((c) => c.platform === now.platform && c.account === a.id && c.title);
  if (now.platform !== "telegram")
    return own.length
      ? [{ value: "", title: t("private") }, ...own.map((c) => ({ value: `r${c.peer}`, title: c.title }))]
      : [];
  return [
    { value: "", title: t("private") },
    ...a.groups.map((g) => ({ value: `g${g.id}`, title: g.title })),
    ...a.connections.map((c) => ({
      value: `b${c.id}`,
      title: `${t("business")} · ${c.owner_name}`,
    })),
  ];
}

export function address() {
  const made = {
    platform: now.platform,
    account: account()?.id,
    customer: now.customer,
  };
  if (now.room.startsWith("g")) made.group = Number(now.room.slice(1));
  if (now.room.startsWith("r")) made.room = now.room.slice(1);
  if (now.room.startsWith("b")) made.business_connection_id = now.room.slice(1);
  return made;
}

export function key() {
  const a = address();
  return [a.platform, a.account, a.business_connection_id, a.room ?? a.group ?? a.customer]
    .filter(Boolean)
    .join(":");
}
export const chat = () => now.state.chats.find((c) => c.key === key());
export const isTyping = () => (now.typing[key()] || 0) > Date.now();

export const play = (wish) => post("/sandbox/play", { ...address(), ...wish });
export const act = (action) => post("/sandbox/play", { ...address(), action });

export async function load() {
  now.state = await get("/sandbox/state");
  now.offset = now.state.offset_seconds;
  if (!customer())
    now.customer = now.state.chats.find((c) => people()[c.peer])?.peer || now.state.customers[0]?.id || "";
  if (!account() && !sessionStorage.getItem("sandbox.platform"))
    now.platform = now.state.accounts[0]?.platform || now.platform;
  await loadChat();
}

async function loadChat() {
  now.account = account()?.id || "";
  const wanted = key();
  now.bubbles = [];
  if (chat()) {
    const full = await get(`/sandbox/chats/${encodeURIComponent(wanted)}/bubbles`);
    if (wanted !== key()) return;
    now.bubbles = full.bubbles;
    await seen();
  }
}

// The customer looks at the open chat, so what is in it counts as read.
export async function seen() {
  const current = chat();
  if (!current || document.hidden || localStorage.getItem("sandbox.receipts") === "off") return;
  if (
    current.unread ||
    now.bubbles.some((b) => b.side === "business" && !["read", "failed"].includes(b.status))
  ) {
    current.unread = 0;
    await post(`/sandbox/chats/${encodeURIComponent(current.key)}/read`);
  }
}

export async function choose(change) {
  if (change.platform && change.platform !== now.platform) Object.assign(now, { account: "", room: "" });
  Object.assign(now, change);
  sessionStorage.setItem("sandbox.platform", now.platform);
  sessionStorage.setItem("sandbox.customer", now.customer);
  now.state = await get("/sandbox/state");
  await loadChat();
  redraw();
}

export async function createAccount() {
  const made = await post(paths[now.platform] || `/sandbox/platforms/${now.platform}`, {});
  await choose({ account: made.id });
}

export function upsert(bubble) {
  const at = now.bubbles.findIndex((b) => b.id === bubble.id);
  if (at < 0) now.bubbles.push(bubble);
  else now.bubbles[at] = bubble;
  return at < 0;
}
