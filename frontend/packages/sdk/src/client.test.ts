import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake_socket";
import { again, chat, connected, fresh, give, message, picture, range, rig, settle } from "./rig";
import { PING_EVERY_MS, PONG_WITHIN_MS } from "./socket";

beforeEach(() => {
  vi.useFakeTimers();
  fresh();
});

afterEach(() => vi.useRealTimers());

describe("signing in", () => {
  it("asks the app's own server for a token, and shows it once for a whole run", async () => {
    const hostToken = vi.fn(() => Promise.resolve("jwt"));
    await connected({ hostToken, language: "zh" });
    await again([]);
    expect(hostToken).toHaveBeenCalledTimes(1);
    expect(rig.asked.map((one) => [one.method, one.url, JSON.parse(one.body ?? "")])).toEqual([
      ["POST", "https://contact.example/widget/site/sessions", { language: "zh", user: { token: "jwt" } }],
    ]);
    expect(FakeSocket.last.url).toBe("wss://contact.example/widget/site/socket");
    expect(FakeSocket.last.of("hello")[0]?.token).toBe("token of v1");
  });

  it("asks for a fresh token when the server refuses the visitor's", async () => {
    const hostToken = vi.fn(() => Promise.resolve("jwt"));
    await connected({ hostToken });
    FakeSocket.last.die(4401);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(hostToken).toHaveBeenCalledTimes(2);
    expect(JSON.parse(rig.asked[1]?.body ?? "")).not.toHaveProperty("visitor_token");
  });

  it("renews the visitor's token once when an upload or a device is refused for it", async () => {
    const made = await connected();
    rig.refuse = { files: 401, devices: 401 };
    made.sendImage(picture);
    await settle();
    expect(made.timeline[0]?.delivery).toBe("failed");
    expect(rig.uploads).toHaveLength(2);
    await expect(made.registerDevice("fcm", "droid")).rejects.toMatchObject({ status: 401 });
    expect(rig.asked.map((one) => one.url.split("/").pop())).toEqual([
      ...["sessions", "sessions"],
      ...["devices", "sessions", "devices"],
    ]);
  });

  it("tells of a refusal and goes on trying", async () => {
    rig.refuse = { sessions: 403 };
    const made = chat();
    const errors: Error[] = [];
    made.on("error", (error) => errors.push(error));
    await made.start();
    await settle();
    expect(errors[0]).toMatchObject({ status: 403, message: "Refused." });
    rig.refuse = {};
    await vi.advanceTimersByTimeAsync(5_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("keeps an unknown visitor's token for the next run", async () => {
    const first = await connected();
    first.stop();
    await settle();
    await connected();
    expect(JSON.parse(rig.asked[1]?.body ?? "")).toMatchObject({ visitor_token: "token of v1" });
  });

  it("shows another user of the phone nothing of the former, and sends nothing of theirs", async () => {
    const hostToken = () => Promise.resolve("jwt");
    const first = await connected({ hostToken }, range(1, 3));
    FakeSocket.last.readyState = 3;
    first.sendText("my secret");
    first.stop();
    await settle();
    rig.visitor = "v2";
    const second = await connected({ hostToken }, []);
    expect(second.timeline).toEqual([]);
    expect(FakeSocket.last.of("hello")[0]?.after).toBe(0);
    expect(FakeSocket.last.of("message")).toEqual([]);
  });

  it("no longer wakes the phone for the former user", async () => {
    const hostToken = () => Promise.resolve("jwt");
    const first = await connected({ hostToken });
    await first.registerDevice("fcm", "droid");
    first.stop();
    await settle();
    rig.visitor = "v2";
    await connected({ hostToken });
    expect(rig.asked[3]).toMatchObject({ method: "DELETE", body: '{"token":"droid"}' });
    expect(rig.asked[3]?.headers["Authorization"]).toBe("Bearer token of v1");
    expect(await rig.storage.getItem("switchboard:site")).not.toContain("droid");
  });

  it("leaves nothing behind at sign-out, and the phone is no longer woken", async () => {
    const made = await connected({}, range(1, 2));
    await made.registerDevice("apns", "a1b2c3d4");
    made.sendText("hello");
    const leaving = made.signOut();
    await settle();
    await leaving;
    const last = rig.asked[rig.asked.length - 1];
    expect([last?.method, last?.url.split("/").pop(), last?.body]).toEqual([
      "DELETE",
      "devices",
      '{"token":"a1b2c3d4"}',
    ]);
    expect(last?.headers["Authorization"]).toBe("Bearer token of v1");
    expect([made.timeline, made.phase]).toEqual([[], "off"]);
    expect(await rig.storage.getItem("switchboard:site")).toContain('"token":""');
  });
});

describe("signing out", () => {
  it("is not undone by a sign-in that was under way", async () => {
    const made = chat();
    const starting = made.start();
    await Promise.resolve();
    await made.signOut();
    await starting;
    await settle();
    expect([made.phase, await rig.storage.getItem("switchboard:site")]).toEqual([
      "off",
      expect.stringContaining('"token":""'),
    ]);
  });
});

describe("what the user says", () => {
  it("waits for a line, and is sent again until it is acknowledged", async () => {
    const made = chat();
    const id = made.sendText("hello");
    await made.start();
    await settle();
    FakeSocket.last.open();
    FakeSocket.last.ready();
    expect(FakeSocket.last.of("message").map((one) => one.client_id)).toEqual([id]);
    await again([]);
    expect(FakeSocket.last.of("message").map((one) => one.client_id)).toEqual([id]);
    FakeSocket.last.give({ type: "ack", client_id: id, id: null, position: null });
    await again([]);
    expect(FakeSocket.last.of("message")).toEqual([]);
    give(message(1, { direction: "in", client_id: id }));
    expect(made.timeline.map((one) => [one.key, one.delivery])).toEqual([[id, "filed"]]);
  });

  it("outlives the run, in order, with what a slow storage holds", async () => {
    const first = await connected();
    FakeSocket.last.readyState = 3;
    const ids = [first.sendText("one"), first.sendText("two")];
    first.stop();
    await settle();
    const second = chat();
    const third = second.sendText("three");
    await second.start();
    await settle();
    FakeSocket.last.open();
    FakeSocket.last.ready();
    expect(FakeSocket.last.of("message").map((one) => one.client_id)).toEqual([...ids, third]);
    expect(JSON.parse(rig.asked[1]?.body ?? "")).toMatchObject({ visitor_token: "token of v1" });
  });

  it("is tried again by itself when the server could not store it just now", async () => {
    const made = await connected();
    const id = made.sendText("hello");
    FakeSocket.last.give({ type: "error", code: "try_again", message: "", client_id: id });
    expect(made.timeline[0]?.delivery).toBe("waiting");
    await vi.advanceTimersByTimeAsync(2_001);
    expect(FakeSocket.last.of("message")).toHaveLength(2);
  });

  it("carries pictures, voice, films and files", async () => {
    const made = await connected();
    made.sendImage(picture);
    made.sendVoice({ name: "a.m4a", mime: "audio/mp4", content: "x", duration: 4.5 });
    made.sendVideo({ name: "b.mp4", mime: "video/mp4", content: "x" });
    made.sendFile({ name: "c.pdf", mime: "application/pdf", content: "x" });
    expect(made.timeline.map((one) => one.delivery)).toEqual(Array(4).fill("uploading"));
    await settle();
    expect(rig.uploads.map((one) => [one.url, one.headers["Authorization"]])).toEqual(
      Array(4).fill(["https://contact.example/widget/site/files", "Bearer token of v1"]),
    );
    expect(FakeSocket.last.of("message").map((one) => one.parts)).toEqual([
      [{ type: "image", file_id: "f-cat.png" }],
      [{ type: "audio", file_id: "f-a.m4a", voice: true, duration: 4.5 }],
      [{ type: "video", file_id: "f-b.mp4" }],
      [{ type: "file", file_id: "f-c.pdf" }],
    ]);
    expect(made.address("/files/a")).toBe("https://contact.example/files/a");
  });

  it("fails with the server's words and can be tried again or dropped", async () => {
    rig.refuse = { files: 413 };
    const made = await connected();
    const [id, other] = [made.sendImage(picture), made.sendImage(picture)];
    await settle();
    expect(made.timeline[0]?.outgoing?.error?.message).toBe("Too large.");
    rig.refuse = {};
    made.discard(other);
    made.retry(id);
    await settle();
    expect(FakeSocket.last.of("message").map((one) => one.client_id)).toEqual([id]);
  });
});

describe("the small signs", () => {
  it("count what is unread, also what is older than what is held", async () => {
    const made = await connected({}, []);
    const counts: number[] = [];
    made.on("unread", (count) => counts.push(count));
    FakeSocket.last.die();
    await vi.advanceTimersByTimeAsync(31_000);
    FakeSocket.last.open();
    FakeSocket.last.ready(range(10, 12), false, { unread: 5, read: 10 });
    give(message(13));
    made.markRead();
    expect(counts).toEqual([5, 6, 0]);
    expect(FakeSocket.last.of("read").map((one) => one.position)).toEqual([13]);
  });

  it("repeat a read mark that a broken line swallowed", async () => {
    const made = await connected({}, range(1, 3));
    FakeSocket.last.readyState = 3;
    made.markRead();
    await again(range(1, 3));
    expect(FakeSocket.last.of("read").map((one) => one.position)).toEqual([3]);
  });

  it("say that messages arrived, once for a burst, and not when they were read at once", async () => {
    const made = await connected();
    give(message(1));
    give(message(2));
    await vi.advanceTimersByTimeAsync(60);
    expect(FakeSocket.last.of("delivered").map((one) => one.position)).toEqual([2]);
    made.on("message", () => made.markRead());
    give(message(3));
    await vi.advanceTimersByTimeAsync(60);
    expect(FakeSocket.last.of("delivered")).toHaveLength(1);
  });

  it("tell both sides of typing, not at every key, and stop by themselves", async () => {
    const made = await connected();
    const names: (string | null)[] = [];
    made.on("typing", (name) => names.push(name));
    made.typing();
    made.typing();
    expect(FakeSocket.last.of("typing")).toHaveLength(1);
    FakeSocket.last.give({ type: "typing", name: "Ann" });
    await vi.advanceTimersByTimeAsync(6_000);
    expect(names).toEqual(["Ann", null]);
  });

  it("register the phone by the visitor's token", async () => {
    const made = await connected({ language: "zh" });
    await made.registerDevice("fcm", "droid");
    expect(rig.asked[1]).toMatchObject({
      method: "POST",
      body: '{"service":"fcm","token":"droid","language":"zh"}',
    });
    await made.unregisterDevice();
    expect(rig.asked[2]).toMatchObject({ method: "DELETE", body: '{"token":"droid"}' });
    await made.unregisterDevice();
    expect(rig.asked).toHaveLength(3);
  });
});

describe("the line", () => {
  it("is given up when it is silent, and nothing is sent while the app sleeps", async () => {
    const made = await connected();
    await vi.advanceTimersByTimeAsync(PING_EVERY_MS + PONG_WITHIN_MS);
    expect(made.phase).toBe("waiting");
    made.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect([made.phase, FakeSocket.all.length]).toEqual(["off", 1]);
    await made.start();
    await settle();
    expect(FakeSocket.all.length).toBe(2);
  });

  it("answers a wish for older pages also when it breaks", async () => {
    const made = await connected({}, range(5, 9), true);
    const older = made.loadOlder();
    FakeSocket.last.die();
    expect(await older).toBe(true);
    expect(await made.loadOlder()).toBe(false);
  });

  it("needs no storage that works", async () => {
    const broken = () => Promise.reject(new Error("full"));
    rig.storage = { getItem: broken, setItem: broken, removeItem: broken };
    const made = await connected();
    made.sendText("hello");
    await settle();
    expect(FakeSocket.last.of("message")).toHaveLength(1);
  });
});
