import { describe, expect, it } from "vitest";
import {
  EMPTY,
  reduce,
  timeline,
  unread,
  type Action,
  type Conversation,
  type Outgoing,
} from "./conversation";
import type { Message, ServerFrame } from "./wire";

function message(position: number, change: Partial<Message> = {}): Message {
  return {
    id: `m${position}`,
    position,
    direction: "out",
    author: { name: "Lin Yue" },
    parts: [{ type: "text", text: `text ${position}` }],
    at: `2026-11-20T08:00:${String(position).padStart(2, "0")}Z`,
    client_id: null,
    edited_at: null,
    recalled_at: null,
    ...change,
  };
}

function outgoing(client_id: string, change: Partial<Outgoing> = {}): Outgoing {
  return {
    client_id,
    parts: [{ type: "text", text: client_id }],
    at: "2026-11-20T08:00:00Z",
    state: "waiting",
    ...change,
  };
}

const frame = (given: ServerFrame): Action => ({ type: "frame", frame: given });
const ready = (history: Message[], more = false): Action =>
  frame({ type: "ready", history, more, online: true, agent: null });
const run = (...actions: Action[]): Conversation => actions.reduce(reduce, EMPTY);
const positions = (state: Conversation) => state.messages.map((m) => m.position);
const keys = (state: Conversation) => timeline(state).map((entry) => entry.key);

describe("messages of the server", () => {
  it("stand in the order of their positions, however they arrive", () => {
    const state = run(
      ready([message(4), message(2)]),
      frame({ type: "message", message: message(9) }),
      frame({ type: "message", message: message(7) }),
      frame({ type: "history", messages: [message(1)], more: false }),
    );
    expect(positions(state)).toEqual([1, 2, 4, 7, 9]);
  });

  it("are kept once when a frame is repeated, and the state is not touched", () => {
    const state = run(ready([message(2)]));
    expect(reduce(state, frame({ type: "message", message: message(2) }))).toBe(state);
  });

  it("take an edit, and keep it when an older copy comes late", () => {
    const edited = message(2, { edited_at: "2026-11-20T09:00:00Z", parts: [{ type: "text", text: "new" }] });
    const state = run(
      ready([message(2)]),
      frame({ type: "message", message: edited }),
      frame({ type: "message", message: message(2) }),
    );
    expect(state.messages).toEqual([edited]);
  });

  it("stay recalled", () => {
    const state = run(
      ready([message(2, { recalled_at: "2026-11-20T09:00:00Z" })]),
      frame({ type: "message", message: message(2, { edited_at: "2026-11-20T10:00:00Z" }) }),
    );
    expect(timeline(state)[0]?.recalled).toBe(true);
  });
});

describe("coming back", () => {
  it("asks after the last pushed message, not after an acknowledged one", () => {
    const state = run(
      ready([message(3)]),
      { type: "write", outgoing: outgoing("a") },
      frame({ type: "ack", client_id: "a", id: "m8", position: 8 }),
    );
    expect(state.seen).toBe(3);
  });

  it("does not take older pages for news", () => {
    const state = run(
      ready([message(30)], true),
      frame({ type: "history", messages: [message(5)], more: true }),
    );
    expect([state.seen, state.more]).toEqual([30, true]);
  });

  it("joins what was missed with what is there", () => {
    const state = run(ready([message(1), message(2)], true), ready([message(5)]));
    expect(positions(state)).toEqual([1, 2, 5]);
    expect(state.more).toBe(true);
  });

  it("starts from the newest page when the answer was cut, instead of showing a hole", () => {
    const state = run(ready([message(1), message(2)]), ready([message(50), message(51)], true));
    expect(positions(state)).toEqual([50, 51]);
    expect(state.more).toBe(true);
  });
});

describe("messages written here", () => {
  it("wait at the end, are marked as sent by an acknowledgement, and move to their place when filed", () => {
    let state = run(
      ready([message(1)]),
      { type: "write", outgoing: outgoing("a") },
      { type: "write", outgoing: outgoing("b") },
    );
    expect(keys(state)).toEqual(["m1", "a", "b"]);

    state = reduce(state, frame({ type: "ack", client_id: "a", id: "m5", position: null }));
    expect(timeline(state).map((entry) => entry.delivery)).toEqual([null, "sent", "waiting"]);

    state = reduce(
      state,
      frame({ type: "message", message: message(5, { direction: "in", client_id: "a" }) }),
    );
    expect(state.outbox.map((item) => item.client_id)).toEqual(["b"]);
    expect(keys(state)).toEqual(["m1", "a", "b"]);
    expect(timeline(state)[1]?.delivery).toBe("filed");
  });

  it("take the place that an acknowledgement names", () => {
    const state = run(
      ready([message(1)]),
      { type: "write", outgoing: outgoing("a") },
      frame({ type: "ack", client_id: "a", id: "x", position: 4 }),
      frame({ type: "message", message: message(9) }),
    );
    expect(keys(state)).toEqual(["m1", "a", "m9"]);
  });

  it("leave the outbox when the history after a reload holds them", () => {
    const state = run(
      { type: "write", outgoing: outgoing("a") },
      ready([message(1, { direction: "in", client_id: "a" })]),
    );
    expect(state.outbox).toEqual([]);
    expect(keys(state)).toEqual(["a"]);
  });

  it("fail with the server's words and can be tried again in their place", () => {
    let state = run(
      { type: "write", outgoing: outgoing("a") },
      { type: "write", outgoing: outgoing("b") },
      frame({ type: "error", code: "too_long", message: "Too long", client_id: "a" }),
    );
    expect(state.outbox[0]).toMatchObject({ state: "failed", error: { message: "Too long" } });
    state = reduce(state, { type: "retry", client_id: "a", state: "waiting" });
    expect(state.outbox.map((item) => [item.client_id, item.state, item.error])).toEqual([
      ["a", "waiting", undefined],
      ["b", "waiting", undefined],
    ]);
  });

  it("are not failed by a late error once they are acknowledged", () => {
    const state = run(
      { type: "write", outgoing: outgoing("a") },
      frame({ type: "ack", client_id: "a", id: "x", position: null }),
      frame({ type: "error", code: "busy", message: "", client_id: "a" }),
    );
    expect(state.outbox[0]?.state).toBe("sent");
  });

  it("are written once", () => {
    const state = run({ type: "write", outgoing: outgoing("a") }, { type: "write", outgoing: outgoing("a") });
    expect(state.outbox).toHaveLength(1);
  });
});

describe("reading", () => {
  it("counts the company's messages after the read mark, without recalled ones", () => {
    const state = run(
      ready([
        message(1),
        message(2, { direction: "in" }),
        message(3),
        message(4, { recalled_at: "2026-11-20T09:00:00Z" }),
      ]),
      { type: "read", position: 1 },
    );
    expect(unread(state)).toBe(1);
  });

  it("never goes back", () => {
    const state = run(
      { type: "read", position: 5 },
      { type: "read", position: 3 },
      frame({ type: "read", position: 7 }),
      frame({ type: "read", position: 6 }),
    );
    expect([state.readByVisitor, state.readByAgent]).toEqual([5, 7]);
  });

  it("marks what the agent has seen", () => {
    const mine = (position: number) => message(position, { direction: "in" });
    const state = run(ready([mine(1), mine(2)]), frame({ type: "read", position: 1 }));
    expect(timeline(state).map((entry) => entry.delivery)).toEqual(["read", "filed"]);
  });
});

it("ends the typing mark when the message arrives", () => {
  const typing = run(ready([]), frame({ type: "typing", name: "Lin Yue" }));
  expect(typing.typing).toBe("Lin Yue");
  expect(reduce(typing, frame({ type: "message", message: message(1) })).typing).toBeNull();
  expect(reduce(typing, frame({ type: "message", message: message(1, { direction: "in" }) })).typing).toBe(
    "Lin Yue",
  );
});

it("forgets the conversation of another visitor and keeps what was still to be sent", () => {
  const state = run(
    ready([message(1)]),
    { type: "write", outgoing: outgoing("a") },
    { type: "forget", keepOutbox: true },
  );
  expect([state.messages, state.seen, state.outbox.length]).toEqual([[], 0, 1]);
});
