import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSocket } from "./socket";
import { changeLive, useLink, useLive } from "./store";
import { empty } from "./state";

class Wire {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readyState = 1;
  said: string[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    Wire.all.push(this);
  }
  send(text: string) {
    this.said.push(text);
  }
  close() {
    this.readyState = 3;
  }
  hear(cursor: number, type: string, data: unknown = {}) {
    this.onmessage?.({ data: JSON.stringify({ cursor, type, data }) });
  }
}

const wire = () => Wire.all.at(-1) as Wire;
const listeners = { addEventListener: () => undefined, removeEventListener: () => undefined };
const snapshot = (key: string) => ({ key, items: [], next: null });
let ready = 0;
let refused = 0;
let socket: LiveSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("window", listeners);
  vi.stubGlobal("document", { ...listeners, visibilityState: "visible" });
  vi.stubGlobal("location", { protocol: "https:", host: "desk.example" });
  Wire.all = [];
  ready = refused = 0;
  changeLive(() => empty);
  socket = new LiveSocket({
    from: () => useLive.getState().cursor,
    ready: () => (ready += 1),
    resync: () => undefined,
    refused: () => (refused += 1),
  });
  socket.start();
});
afterEach(() => {
  socket.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("the socket", () => {
  it("begins without a cursor and resumes from what has wholly come", async () => {
    expect(wire().url).toBe("wss://desk.example/api/v1/stream");
    wire().hear(40, "hello");
    wire().hear(40, "snapshot", snapshot("mine"));
    await pass(20);
    expect(useLive.getState().cursor).toBe(40);
    wire().hear(44, "gone", { key: "mine", id: "a" });
    wire().hear(47, "gone", { key: "mine", id: "b" });
    await pass(20);
    wire().onclose?.({ code: 1006 });
    await pass(2000);
    // 47 may have had more frames that were lost.
    expect(wire().url).toBe("wss://desk.example/api/v1/stream?cursor=44");
  });

  it("does not take the greeting of a new connection for having caught up", async () => {
    changeLive((s) => ({ ...s, cursor: 10, latest: 10 }));
    wire().hear(90, "hello");
    wire().hear(90, "presence", { agent_id: "a", status: "online", load: 0, capacity: 5 });
    await pass(20);
    expect(useLive.getState().latest).toBe(10);
    wire().hear(90, "resumed", { from: 10 });
    await pass(20);
    expect(useLive.getState().latest).toBe(90);
  });

  it("backs off, but never longer than twenty seconds", async () => {
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const before = Wire.all.length;
      wire().onclose?.({ code: 1006 });
      waits.push(useLink.getState().retryAt - Date.now());
      await pass(20_000);
      expect(Wire.all.length).toBe(before + 1);
    }
    expect(waits[0]).toBeLessThan(1000);
    expect(waits[8]).toBeGreaterThan(10_000);
    expect(useLink.getState().broken).toBe(true);
    wire().hear(1, "hello");
    expect([useLink.getState().broken, ready]).toEqual([false, 1]);
  });

  it("notices a connection that died without saying so", async () => {
    wire().hear(1, "hello");
    await pass(20_000);
    expect(wire().said).toContain('{"type":"ping"}');
    await pass(10_000);
    expect(useLink.getState().broken).toBe(true);
  });

  it("asks for a new subscription after a resync", async () => {
    wire().hear(1, "hello");
    wire().hear(5, "resync", { reason: "slow" });
    await pass(20);
    expect(ready).toBe(2);
  });

  it("says when the session is refused", () => {
    wire().onclose?.({ code: 4401 });
    expect(refused).toBe(1);
  });
});
