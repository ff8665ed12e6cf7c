import type { Message } from "@switchboard/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { empty } from "./state";
import { changeLive, receive, useLive } from "./store";
import { loadLatest } from "./timelines";

const row = (status: Message["status"]) =>
  ({
    id: "m",
    conversation_id: "c",
    position: 1,
    status,
    author: { kind: "agent", id: "a", name: "Ann" },
  }) as Message;

let answer: (items: Message[]) => void = () => undefined;

beforeEach(() => {
  changeLive(() => empty);
  const body = new Promise<Message[]>((resolve) => (answer = resolve));
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ items: await body, next: null })));
});
afterEach(() => vi.unstubAllGlobals());

it("keeps what the stream told while an older answer was on its way", async () => {
  const loading = loadLatest("c");
  receive([{ cursor: 1, type: "message", data: { row: row("delivered") } }]);
  answer([row("sent")]);
  await loading;
  expect(useLive.getState().timelines.c?.messages.map((m) => m.status)).toEqual(["delivered"]);
});
