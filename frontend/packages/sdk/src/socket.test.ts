import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake_socket";
import {
  CLOSE_UNAUTHORISED,
  HANDSHAKE_MS,
  PING_EVERY_MS,
  PONG_WITHIN_MS,
  Socket,
  retryDelay,
} from "./socket";
import type { ServerFrame } from "./wire";

let frames: ServerFrame[];
let phases: string[];
let refused: number;
let authorise: () => Promise<string>;

function line(): Socket {
  return new Socket({
    url: "ws://127.0.0.1/widget/demo/socket",
    dial: (url) => new FakeSocket(url),
    authorise: () => authorise(),
    after: () => 42,
    onFrame: (frame) => frames.push(frame),
    onPhase: (phase) => phases.push(phase),
    onRefused: () => (refused += 1),
    random: () => 0.5,
  });
}

const settle = () => vi.advanceTimersByTimeAsync(0);

async function connected(): Promise<Socket> {
  const socket = line();
  socket.start();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.ready();
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  frames = [];
  phases = [];
  refused = 0;
  authorise = () => Promise.resolve("token");
});

afterEach(() => {
  vi.useRealTimers();
});

describe("retryDelay", () => {
  it("doubles its ceiling up to half a minute and never fires at once", () => {
    expect([0, 1, 2, 3, 10, 1000].map((attempt) => retryDelay(attempt, 1))).toEqual([
      1300, 2300, 4300, 8300, 30300, 30300,
    ]);
    expect(retryDelay(7, 0)).toBe(300);
  });
});

describe("a connection", () => {
  it("says hello with the token and the last position, and is ready only when the server says so", async () => {
    const socket = line();
    socket.start();
    await settle();
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: "hello", token: "token", after: 42 }]);
    expect(socket.send({ type: "typing" })).toBe(false);
    FakeSocket.last.ready();
    expect(socket.send({ type: "typing" })).toBe(true);
    expect(phases).toEqual(["connecting", "ready"]);
  });

  it("applies what was missed before it calls itself ready", async () => {
    const order: string[] = [];
    const socket = new Socket({
      url: "ws://127.0.0.1/",
      dial: (url) => new FakeSocket(url),
      authorise,
      after: () => 0,
      onFrame: (frame) => order.push(`frame ${frame.type}`),
      onPhase: (phase) => order.push(phase),
      onRefused: () => undefined,
    });
    socket.start();
    await settle();
    FakeSocket.last.open();
    FakeSocket.last.ready();
    expect(order).toEqual(["connecting", "frame ready", "ready"]);
    socket.stop();
  });

  it("comes back with growing delays, and starts small again after a success", async () => {
    await connected();
    const waits: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const dialled = FakeSocket.all.length;
      FakeSocket.last.die();
      let waited = 0;
      while (FakeSocket.all.length === dialled) {
        await vi.advanceTimersByTimeAsync(100);
        waited += 100;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([800, 1300, 2300]);
    FakeSocket.last.open();
    FakeSocket.last.ready();
    FakeSocket.last.die();
    const dialled = FakeSocket.all.length;
    await vi.advanceTimersByTimeAsync(800);
    expect(FakeSocket.all.length).toBe(dialled + 1);
  });

  it("gives up a server that never answers the hello", async () => {
    line().start();
    await settle();
    FakeSocket.last.open();
    await vi.advanceTimersByTimeAsync(HANDSHAKE_MS);
    expect(FakeSocket.last.readyState).toBe(3);
    expect(phases.at(-1)).toBe("waiting");
  });

  it("asks after a silence and gives up a dead line", async () => {
    await connected();
    await vi.advanceTimersByTimeAsync(PING_EVERY_MS);
    expect(FakeSocket.last.of("ping")).toHaveLength(1);
    FakeSocket.last.give({ type: "pong" });
    await vi.advanceTimersByTimeAsync(PING_EVERY_MS - 1);
    expect(FakeSocket.last.of("ping")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1 + PONG_WITHIN_MS);
    expect(phases.at(-1)).toBe("waiting");
    expect(frames.map((frame) => frame.type)).toEqual(["ready"]);
  });

  it("treats a failed sign-in like a failed line", async () => {
    authorise = () => Promise.reject(new Error("offline"));
    const socket = line();
    socket.start();
    await settle();
    expect(FakeSocket.all).toHaveLength(0);
    authorise = () => Promise.resolve("later");
    await vi.advanceTimersByTimeAsync(800);
    FakeSocket.last.open();
    expect(FakeSocket.last.of("hello")[0]?.token).toBe("later");
  });

  it("tells when the token is not accepted", async () => {
    await connected();
    FakeSocket.last.die(CLOSE_UNAUTHORISED);
    expect(refused).toBe(1);
  });

  it("dials again when it never came about and only an error says so", async () => {
    const socket = line();
    socket.start();
    await settle();
    FakeSocket.last.onerror?.({});
    expect(socket.phase).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("dials at once when the network comes back", async () => {
    const socket = await connected();
    FakeSocket.last.die();
    socket.wake();
    await settle();
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("is silent after a stop, also when a sign-in was under way", async () => {
    const socket = line();
    socket.start();
    socket.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(0);
    expect(phases.at(-1)).toBe("off");
  });

  it("survives frames that are not JSON", async () => {
    await connected();
    FakeSocket.last.onmessage?.({ data: "<html>" });
    FakeSocket.last.onmessage?.({ data: "null" });
    FakeSocket.last.onmessage?.({ data: new ArrayBuffer(2) });
    expect(frames).toHaveLength(1);
    expect(phases.at(-1)).toBe("ready");
  });
});
