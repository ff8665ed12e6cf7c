import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake_socket";
import { again, connected, fresh, give, message, range, rig, settle } from "./rig";

beforeEach(() => {
  vi.useFakeTimers();
  fresh();
});

afterEach(() => vi.useRealTimers());

describe("what the company says", () => {
  it("is told once, in order, over breaks and repeats", async () => {
    await connected({}, range(1, 3));
    give(message(4));
    give(message(4));
    await again([message(3), message(4), message(5), message(6)]);
    give(message(6));
    give(message(7));
    expect(rig.told).toEqual(["m4", "m5", "m6", "m7"]);
    expect(FakeSocket.last.of("hello")[0]?.after).toBe(4);
  });

  it("is told when another server filed it a moment earlier than what is known", async () => {
    await connected({}, range(5, 6));
    await again([message(4, { id: "late" }), message(6)]);
    expect(rig.told).toEqual(["late"]);
  });

  it("is fetched page by page when a long absence left a gap, and told in order", async () => {
    const made = await connected({}, range(1, 3));
    await again(range(71, 100), true);
    give(message(101));
    expect(rig.told).toEqual([]);
    expect(FakeSocket.last.of("history").map((one) => one.before)).toEqual([71]);
    FakeSocket.last.give({ type: "history", messages: range(41, 70), more: true });
    await settle();
    FakeSocket.last.give({ type: "history", messages: range(11, 40), more: true });
    await settle();
    FakeSocket.last.give({ type: "history", messages: range(1, 10), more: false });
    expect(rig.told).toEqual(range(4, 101).map((one) => one.id));
    expect(made.timeline.length).toBe(101);
  });

  it("is not lost when the line breaks in the middle of closing a gap", async () => {
    await connected({}, range(1, 3));
    await again(range(71, 100), true);
    await again(range(72, 101), true);
    expect(FakeSocket.last.of("hello")[0]?.after).toBe(3);
    FakeSocket.last.give({ type: "history", messages: range(2, 71), more: true });
    expect(rig.told).toEqual(range(4, 101).map((one) => one.id));
  });

  it("is told to the next run, from where this one ended", async () => {
    const first = await connected({}, range(1, 3));
    give(message(4));
    first.stop();
    await settle();
    rig.told = [];
    await connected({}, range(2, 6));
    expect(rig.told).toEqual(["m5", "m6"]);
    expect(FakeSocket.last.of("hello")[0]?.after).toBe(0);
  });

  it("is no news when it is old: the first time, older pages, edits of what is not held", async () => {
    const made = await connected({}, range(31, 60), true);
    const older = made.loadOlder();
    FakeSocket.last.give({ type: "history", messages: range(1, 30), more: false });
    expect(await older).toBe(false);
    give(message(2, { id: "ancient", edited_at: "2026-11-20T09:00:00Z" }));
    expect(rig.told).toEqual([]);
    expect(made.timeline.length).toBe(61);
  });
});
