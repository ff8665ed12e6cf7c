import type { Conversation, Message, ServerFrame } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { apply, openView } from "./apply";
import { compare } from "./order";
import { addMessages, addRows, retain } from "./pages";
import { empty, type Live } from "./state";

let cursor = 0;
const frame = <T extends ServerFrame["type"]>(type: T, data: Extract<ServerFrame, { type: T }>["data"]) =>
  ({ cursor: ++cursor, type, data }) as ServerFrame;

const row = (id: string, minute: number, over: Partial<Conversation> = {}): Conversation => ({
  id,
  version: 1,
  pos: minute,
  contact: { id: `p-${id}`, name: id, avatar_url: null },
  status: "open",
  priority: 0,
  slot: "case",
  subject: "",
  channel_id: "ch",
  kind: "web",
  kinds: ["web"],
  team_id: null,
  assignee_id: null,
  preview: "",
  last_at: `2026-11-20T08:${String(minute).padStart(2, "0")}:00Z`,
  last_direction: "in",
  waiting_since: null,
  unread: 0,
  tags: [],
  snoozed_until: null,
  ...over,
});

const said = (id: string, position: number, over: Partial<Message> = {}): Message => ({
  id,
  conversation_id: "c",
  position,
  direction: "in",
  author: { kind: "contact", id: "p", name: "Lin" },
  channel_id: "ch",
  kind: "web",
  parts: [{ type: "text", text: id }],
  occurred_at: "2026-11-20T08:00:00Z",
  filed_at: "2026-11-20T08:00:00Z",
  status: null,
  error: null,
  edited_at: null,
  recalled_at: null,
  reply_to: null,
  reactions: [],
  client_id: null,
  backfill: false,
  ...over,
});

const run = (state: Live, ...frames: ServerFrame[]) => frames.reduce(apply, state);
const start = () =>
  run(
    openView(empty, "all", "last"),
    frame("snapshot", { key: "all", items: [row("b", 20), row("a", 10)], next: null }),
  );
const ids = (state: Live, key = "all") => state.views[key]?.ids;

describe("views", () => {
  it("snapshot + changes is the fresh snapshot", () => {
    const rows = [
      row("a", 10),
      row("b", 20),
      row("c", 15),
      row("d", 40, { waiting_since: "2026-11-20T07:00:00Z" }),
    ];
    for (const sort of ["last", "waiting"] as const) {
      const first = run(openView(empty, "v", sort), frame("snapshot", { key: "v", items: [], next: null }));
      const changed = rows.reduce((s, r) => apply(s, frame("conversation", { keys: ["v"], row: r })), first);
      expect(ids(changed, "v")).toEqual([...rows].sort((x, y) => compare(sort, x, y)).map((r) => r.id));
    }
  });

  it("compares instants with and without decimals", () => {
    const early = row("x", 10);
    const late = row("y", 10, { last_at: "2026-11-20T08:10:00.5Z" });
    expect(compare("last", late, early)).toBe(-1);
    expect(compare("last", early, late)).toBe(1);
  });

  it("reads on after the window from the snapshot's own cursor", () => {
    const items = [row("b", 20)];
    const window = run(openView(empty, "all", "last"), frame("snapshot", { key: "all", items, next: "n1" }));
    const more = addRows(window, "all", "n1", { items: [row("a", 10)], next: "n2" });
    expect([ids(more), more.views.all?.next]).toEqual([["b", "a"], "n2"]);
    const late = addRows(more, "all", "n1", { items: [row("z", 5)], next: null });
    expect(ids(late)).toEqual(["b", "a"]);
  });

  it("keeps the row of an open conversation that no list shows", () => {
    const state = run(start(), frame("conversation", { keys: [], row: row("c", 30) }));
    expect(state.conversations.c?.pos).toBe(30);
    expect(ids(state)).toEqual(["b", "a"]);
  });

  it("moves a changed row to its new place", () => {
    const state = run(start(), frame("conversation", { keys: ["all"], row: row("a", 30) }));
    expect(ids(state)).toEqual(["a", "b"]);
  });

  it("ignores a row older than the one it has", () => {
    const state = run(
      start(),
      frame("conversation", { keys: ["all"], row: row("b", 20, { pos: 3, preview: "old" }) }),
    );
    expect(state.conversations.b?.preview).toBe("");
  });

  it("takes a row out of a view and out of no other", () => {
    const two = run(
      openView(start(), "mine", "last"),
      frame("conversation", { keys: ["all", "mine"], row: row("a", 30) }),
    );
    const state = run(two, frame("gone", { key: "mine", id: "a" }));
    expect([ids(state), ids(state, "mine")]).toEqual([["a", "b"], []]);
  });

  it("leaves rows beyond the window to the next page", () => {
    const window = run(
      openView(empty, "all", "last"),
      frame("snapshot", { key: "all", items: [row("b", 20), row("a", 10)], next: "n" }),
    );
    expect(ids(run(window, frame("conversation", { keys: ["all"], row: row("z", 5) })))).toEqual(["b", "a"]);
    const more = addRows(window, "all", "n", { items: [row("z", 5)], next: null });
    expect(ids(more)).toEqual(["b", "a", "z"]);
    expect(addRows(more, "all", "n", { items: [row("y", 1)], next: null })).toBe(more);
  });

  it("keeps the scrolled tail when a snapshot repeats on a living connection, not after a resync", () => {
    const window = run(
      openView(empty, "all", "last"),
      frame("snapshot", { key: "all", items: [row("b", 20)], next: "n" }),
    );
    const scrolled = addRows(window, "all", "n", { items: [row("a", 10)], next: null });
    const again = frame("snapshot", { key: "all", items: [row("c", 25), row("b", 20)], next: "n" });
    expect(ids(run(scrolled, again))).toEqual(["c", "b", "a"]);
    expect(ids(run(scrolled, frame("resync", { reason: "too_old" }), again))).toEqual(["c", "b"]);
  });
});

describe("messages", () => {
  const line = addMessages(empty, "c", "latest", [said("m2", 2), said("m4", 4)], true);
  const texts = (state: Live) => state.timelines.c?.messages.map((m) => m.id);

  it("are kept by position, once each", () => {
    const state = run(
      line,
      frame("message", { row: said("m5", 5) }),
      frame("message", { row: said("m3", 3) }),
      frame("message", { row: said("m5", 5, { status: "read" }) }),
    );
    expect(texts(state)).toEqual(["m2", "m3", "m4", "m5"]);
    expect(state.timelines.c?.messages.at(-1)?.status).toBe("read");
  });

  it("before the loaded stretch do not tear a hole", () => {
    expect(texts(run(line, frame("message", { row: said("m0", 0) })))).toEqual(["m2", "m4"]);
  });

  it("after a jump into the past wait for their page", () => {
    const past = addMessages(line, "c", "around", [said("m1", 1)], true);
    expect(texts(run(past, frame("message", { row: said("m9", 9) })))).toEqual(["m1"]);
    const next = addMessages(past, "c", "after", [said("m2", 2)], false);
    expect(texts(run(next, frame("message", { row: said("m9", 9) })))).toEqual(["m1", "m2", "m9"]);
  });

  it("of conversations nobody follows are not kept", () => {
    expect(retain(line, []).timelines).toEqual({});
  });

  it("end the typing mark of their author", () => {
    const by = { kind: "contact", id: "p", name: "Lin" };
    const typing = run(line, frame("typing", { conversation_id: "c", by, until: "2026-11-20T08:00:05Z" }));
    expect(typing.typing.c).toHaveLength(1);
    expect(run(typing, frame("message", { row: said("m5", 5) })).typing.c).toHaveLength(0);
  });
});

describe("every frame", () => {
  const at = (cursor: number, type: "pong" | "gone"): ServerFrame =>
    type === "pong" ? { cursor, type, data: {} } : { cursor, type, data: { key: "v", id: "x" } };

  it("of a change counts as complete only when a higher one came, since several share a cursor", () => {
    expect(run(empty, at(4, "gone"), at(9, "gone")).cursor).toBe(4);
    expect(run(empty, at(4, "gone"), at(9, "gone"), at(9, "gone")).cursor).toBe(4);
    expect(run(empty, at(4, "gone"), at(9, "gone"), at(2, "gone"), at(11, "gone")).cursor).toBe(9);
  });

  it("that is no change says that everything before it has come", () => {
    expect(run(empty, at(9, "gone"), at(9, "pong")).cursor).toBe(9);
    expect(run(empty, at(9, "pong"), at(4, "pong")).cursor).toBe(9);
  });

  it("that is unknown changes nothing else", () => {
    const strange = { cursor: 900, type: "weather", data: {} } as unknown as ServerFrame;
    const before = start();
    expect(apply(before, strange)).toEqual({ ...before, cursor: before.latest, latest: 900 });
  });
});
