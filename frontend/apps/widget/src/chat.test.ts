// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Chat } from "./chat";
import { FakeSocket } from "@switchboard/sdk/testing";
import type { Options } from "./options";
import { PONG_WITHIN_MS } from "@switchboard/sdk/engine";
import type { Message } from "./wire";

const OPTIONS: Options = {
  channel: "demo",
  base: "http://127.0.0.1/",
  language: null,
  theme: null,
  user: null,
  name: null,
  email: null,
  nonce: "",
};
const CONFIG = { name: "Shop", colour: "#0f766e", online: true, languages: ["en"] };

/** What the network answers; `sessions` gives a new token to whoever brings none that is known. */
let sessions: { visitor_token?: string; user?: { id: string } }[];
let known: Set<string>;
let network: boolean;

function answer(body: unknown): Response {
  return new Response(JSON.stringify(body), { status: 200 });
}

async function serve(url: string, init: RequestInit): Promise<Response> {
  if (!network) throw new TypeError("no network");
  if (url.endsWith("/config")) return answer(CONFIG);
  const body = JSON.parse(String(init.body)) as (typeof sessions)[number];
  sessions.push(body);
  const token =
    body.visitor_token && known.has(body.visitor_token) ? body.visitor_token : `t${sessions.length}`;
  known.add(token);
  return answer({ visitor_token: token, visitor: { id: "v", name: null } });
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

async function open(options: Partial<Options> = {}): Promise<Chat> {
  const chat = new Chat({ ...OPTIONS, ...options });
  await chat.boot();
  chat.setOpen(true);
  await settle();
  return chat;
}

async function answered(history: Message[] = []): Promise<FakeSocket> {
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.ready(history);
  return FakeSocket.last;
}

function incoming(position: number, client_id: string | null = null): Message {
  return {
    id: `m${position}`,
    position,
    direction: client_id ? "in" : "out",
    author: null,
    parts: [{ type: "text", text: "hello" }],
    at: "2026-11-20T08:00:00Z",
    client_id,
    edited_at: null,
    recalled_at: null,
  };
}

const texts = (socket: FakeSocket) =>
  socket.of("message").map((frame) => (frame.parts[0]?.type === "text" ? frame.parts[0].text : ""));
const ids = (socket: FakeSocket) => socket.of("message").map((frame) => frame.client_id);

const nth = (socket: FakeSocket, n: number) => ids(socket)[n] ?? "";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", serve);
  FakeSocket.all = [];
  sessions = [];
  known = new Set();
  network = true;
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a visitor", () => {
  it("is not created before the panel is opened", async () => {
    const chat = new Chat(OPTIONS);
    await chat.boot();
    await settle(1000);
    expect([sessions.length, FakeSocket.all.length]).toEqual([0, 0]);
  });

  it("is known again after a reload, and connected for the unread mark", async () => {
    await open();
    await answered([incoming(3)]);
    const chat = new Chat(OPTIONS);
    await chat.boot();
    const socket = await answered([incoming(3), incoming(5)]);
    expect(sessions[1]?.visitor_token).toBe("t1");
    expect(socket.of("hello")[0]).toMatchObject({ token: "t1", after: 0 });
    expect(chat.view.unread).toBe(2);
  });

  it("is made anew when the server does not know the token, and what waited is still sent", async () => {
    const chat = await open();
    await answered([incoming(3)]);
    FakeSocket.last.die();
    chat.sendText("still to be said");
    known.clear();
    await settle(2000);
    FakeSocket.last.open();
    FakeSocket.last.die(4401);
    await settle(4000);
    const socket = await answered();
    expect(socket.of("hello")[0]).toMatchObject({ after: 0 });
    expect(sessions.at(-1)?.visitor_token).toBeUndefined();
    expect(texts(socket)).toEqual(["still to be said"]);
    expect(chat.view.conversation.messages).toEqual([]);
  });

  it("takes nothing over from another person on the same browser", async () => {
    const mei = await open({ user: { id: "mei", hmac: "x" } });
    await answered([incoming(3)]);
    FakeSocket.last.die();
    mei.sendText("my secret");
    const next = await open({ user: { id: "li", hmac: "y" } });
    const socket = await answered();
    expect(sessions.at(-1)).toMatchObject({ user: { id: "li" } });
    expect(sessions.at(-1)?.visitor_token).toBeUndefined();
    expect(texts(socket)).toEqual([]);
    expect(next.view.conversation.outbox).toEqual([]);
  });

  it("signs out while the page stays", async () => {
    const chat = await open({ user: { id: "mei", hmac: "x" } });
    await answered([incoming(3)]);
    chat.setUser(null);
    const socket = await answered();
    expect(chat.view.conversation.messages).toEqual([]);
    expect(socket.of("hello")[0]).toMatchObject({ token: "t2", after: 0 });
  });
});

describe("messages", () => {
  it("written without a line are sent in order when it is there", async () => {
    network = false;
    const chat = new Chat(OPTIONS);
    void chat.boot();
    chat.sendText("one");
    chat.sendText("two");
    await settle(500);
    network = true;
    await settle(5000);
    const socket = await answered();
    chat.sendText("three");
    expect(texts(socket)).toEqual(["one", "two", "three"]);
  });

  it("that nobody acknowledged are resent after a reconnect with the same ids, acknowledged ones are not", async () => {
    const chat = await open();
    const first = await answered();
    chat.sendText("one");
    chat.sendText("two");
    chat.sendText("three");
    const [, two, three] = ids(first);
    first.give({ type: "ack", client_id: nth(first, 0), id: "m1", position: null });
    first.die();
    await settle(2000);
    const second = await answered();
    expect(ids(second)).toEqual([two, three]);
    expect(second.of("hello")[0]?.after).toBe(0);
  });

  it("that nobody acknowledged are resent after a reload", async () => {
    const chat = await open();
    const first = await answered();
    chat.sendText("one");
    chat.choose("red", "Red");
    const again = await open();
    const second = await answered();
    expect(ids(second)).toEqual(ids(first));
    expect(second.of("message")[1]?.parts).toEqual([{ type: "choice", id: "red", title: "Red" }]);
    second.give({ type: "ack", client_id: nth(second, 0), id: "m1", position: null });
    second.give({ type: "message", message: incoming(4, nth(second, 1)) });
    expect(again.view.conversation.outbox.map((item) => item.state)).toEqual(["sent"]);
    await open();
    expect(texts(await answered())).toEqual([]);
  });

  it("that the server refused are kept, but not resent by themselves", async () => {
    const chat = await open();
    const first = await answered();
    chat.sendText("one");
    first.give({ type: "error", code: "too_long", message: "Too long", client_id: nth(first, 0) });
    const again = await open();
    const second = await answered();
    expect(texts(second)).toEqual([]);
    expect(again.view.conversation.outbox[0]?.error?.message).toBe("Too long");
    again.retry(nth(first, 0));
    expect(ids(second)).toEqual(ids(first));
    again.discard(nth(first, 0));
    expect((await open()).view.conversation.outbox).toEqual([]);
  });

  it("make a line that has died unnoticed dial again", async () => {
    const chat = await open();
    const first = await answered();
    chat.sendText("one");
    await settle(PONG_WITHIN_MS + 2000);
    expect(FakeSocket.last).not.toBe(first);
    expect(ids(await answered())).toEqual(ids(first));
  });

  it("of another tab are not dropped from what is kept", async () => {
    const here = await open();
    const socket = await answered();
    const there = await open();
    there.sendText("from the other tab");
    here.sendText("from here");
    socket.give({ type: "ack", client_id: nth(socket, 0), id: "m1", position: null });
    expect((await open()).view.conversation.outbox.map((item) => item.parts)).toEqual([
      [{ type: "text", text: "from the other tab" }],
    ]);
  });

  it("are not kept, yet sent, where the browser has no storage", async () => {
    vi.stubGlobal("localStorage", {
      setItem: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
    const chat = await open();
    const socket = await answered();
    chat.sendText("one");
    expect(texts(socket)).toEqual(["one"]);
  });
});

describe("small signs", () => {
  it("typing is told at most every three seconds", async () => {
    const chat = await open();
    const socket = await answered();
    for (let n = 0; n < 50; n += 1) {
      chat.typing();
      await settle(100);
    }
    expect(socket.of("typing")).toHaveLength(2);
  });

  it("reading is told once per new position, and again after a reconnect", async () => {
    const chat = await open();
    const socket = await answered([incoming(3)]);
    chat.markRead();
    chat.markRead();
    expect(socket.of("read")).toEqual([{ type: "read", position: 3 }]);
    expect(chat.view.unread).toBe(0);
    socket.die();
    await settle(2000);
    expect((await answered()).of("read")).toEqual([{ type: "read", position: 3 }]);
  });

  it("the agent's typing mark goes out by itself", async () => {
    const chat = await open();
    (await answered()).give({ type: "typing", name: "Lin Yue" });
    expect(chat.view.conversation.typing).toBe("Lin Yue");
    await settle(6000);
    expect(chat.view.conversation.typing).toBeNull();
  });

  it("what the visitor says about himself reaches the server on every new line", async () => {
    const chat = await open();
    const first = await answered();
    chat.introduce({ email: "mei@shop.example" });
    expect(first.of("profile")).toEqual([{ type: "profile", email: "mei@shop.example" }]);
    await open();
    expect((await answered()).of("profile")).toHaveLength(1);
  });

  it("a faulty listener of the page does not stop the others", async () => {
    const chat = await open();
    const seen: number[] = [];
    chat.events.on("unread", () => {
      throw new Error("the page's own fault");
    });
    chat.events.on("unread", (count) => seen.push(count));
    await answered([incoming(3)]);
    expect(seen).toEqual([1]);
    // The fault itself goes to the page's console by a timer, which would fail this test.
    vi.clearAllTimers();
  });
});
