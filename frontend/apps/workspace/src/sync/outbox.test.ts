import type { Conversation } from "@switchboard/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addRow } from "./live/pages";
import { changeLive } from "./live/store";
import { empty } from "./live/state";
import { discardMessage, flushOutbox, outboxFor, retryMessage, sendMessage, useOutbox } from "./outbox";

interface Sent {
  key: string | undefined;
  body: { expected_version?: number; note?: boolean; parts: { text: string }[] };
}

const row = { id: "c", version: 7, pos: 1, assignee_id: "other" } as Conversation;
let sent: Sent[] = [];
let answers: (() => Response | Promise<Response>)[] = [];

const json = (status: number, body: unknown) => () => new Response(JSON.stringify(body), { status });
const away = () => Promise.reject(new TypeError("network"));
const accepted = json(201, { id: "m", conversation_id: "c", position: 1, client_id: "x" });

/** Stands for the network only; a GET answers the row. */
function network(_: string, init: RequestInit): Promise<Response> {
  if (init.method === "GET")
    return Promise.resolve(new Response(JSON.stringify({ ...row, version: 8, pos: 2 })));
  const headers = init.headers as Record<string, string>;
  sent.push({ key: headers["Idempotency-Key"], body: JSON.parse(String(init.body)) as Sent["body"] });
  return Promise.resolve((answers.shift() ?? accepted)());
}

const say = (text: string, note = false) =>
  sendMessage({ conversation_id: "c", parts: [{ type: "text", text }], note, names: {} });
const settle = () => vi.advanceTimersByTimeAsync(50);
const items = () => useOutbox.getState().items;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", network);
  sent = [];
  answers = [];
  useOutbox.setState({ items: [] });
  changeLive(() => addRow(empty, row));
  outboxFor("me");
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("outbox", () => {
  it("shows a message at once and lets it go when the server has it", async () => {
    say("hello");
    expect(items().map((p) => p.state)).toEqual(["sending"]);
    await settle();
    expect(items()).toEqual([]);
  });

  it("keeps the order of one conversation", async () => {
    say("one");
    say("two");
    say("three");
    await settle();
    expect(sent.map((s) => s.body.parts[0]?.text)).toEqual(["one", "two", "three"]);
  });

  it("waits through an outage and repeats the very same request", async () => {
    answers = [away, away];
    say("hello");
    await settle();
    expect(items().map((p) => p.state)).toEqual(["waiting"]);
    changeLive((s) => addRow(s, { ...row, version: 9, pos: 5 }));
    flushOutbox();
    await settle();
    await vi.advanceTimersByTimeAsync(6000);
    expect(items()).toEqual([]);
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map((s) => s.key)).size).toBe(1);
    expect(new Set(sent.map((s) => s.body.expected_version))).toEqual(new Set([7]));
  });

  it("tells who was faster, and sends anyway only when a person insists", async () => {
    answers = [json(409, { title: "Conflict", code: "conflict", current: { ...row, version: 8, pos: 3 } })];
    say("hello");
    await settle();
    expect([items()[0]?.state, items()[0]?.conflict?.version]).toEqual(["failed", 8]);
    retryMessage(items()[0]?.client_id ?? "", true);
    await settle();
    expect(items()).toEqual([]);
    expect(sent[1]?.body.expected_version).toBeUndefined();
    expect(sent[1]?.key).not.toBe(sent[0]?.key);
  });

  it("guards neither notes nor one's own conversations", async () => {
    say("note", true);
    await settle();
    changeLive((s) => addRow(s, { ...row, assignee_id: "me", pos: 9 }));
    say("mine");
    await settle();
    expect(sent.map((s) => s.body.expected_version)).toEqual([undefined, undefined]);
  });

  it("lets the next pass a refused one, which stays until somebody decides", async () => {
    answers = [json(422, { title: "Refused", detail: "too long" })];
    say("bad");
    say("good");
    await settle();
    expect(items().map((p) => [p.state, p.reason])).toEqual([["failed", "too long"]]);
    discardMessage(items()[0]?.client_id ?? "");
    expect(items()).toEqual([]);
  });

  it("does not take a request that is still under way for a refusal", async () => {
    answers = [json(409, { title: "Conflict", code: "in_progress" })];
    say("hello");
    await settle();
    expect(items().map((p) => p.state)).toEqual(["waiting"]);
    await vi.advanceTimersByTimeAsync(6000);
    expect(items()).toEqual([]);
  });
});
