/** The one WebSocket: connects, resumes from the cursor, backs off, and says how it is. */
import type { ClientFrame, ServerFrame } from "@switchboard/protocol";
import { receive, useLink } from "./store";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
/** Frames that arrive closer together than this are applied in one step. */
const GATHER = 16;

export interface SocketEvents {
  /** Where to resume from; 0 to begin anew. */
  from: () => number;
  /** The connection lives: tell the server what to send. `resumed` is false after a resync. */
  ready: () => void;
  /** The server forgot us: everything must be read again. */
  resync: () => void;
  /** The server refused the session. */
  refused: () => void;
}

export class LiveSocket {
  private socket: WebSocket | null = null;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private ping: ReturnType<typeof setInterval> | undefined;
  private pong: ReturnType<typeof setTimeout> | undefined;
  /** Who waits for which pong; those of the regular pings wait for nothing. */
  private waiting: (() => void)[] = [];
  private gathered: ServerFrame[] = [];
  private flushing: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;
  /** What was missed has come, or snapshots are coming: from here on cursors count. */
  private settled = false;

  constructor(private readonly events: SocketEvents) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    window.addEventListener("online", this.now);
    document.addEventListener("visibilitychange", this.whenSeen);
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    window.removeEventListener("online", this.now);
    document.removeEventListener("visibilitychange", this.whenSeen);
    this.drop();
    clearTimeout(this.retry);
    useLink.setState({ state: "stopped", retryAt: 0, broken: false });
  }

  send(frame: ClientFrame): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Resolves when the server has dealt with everything sent before; never when the connection breaks first. */
  answered(): Promise<void> {
    return new Promise((resolve) => {
      if (this.send({ type: "ping" })) this.waiting.push(resolve);
    });
  }

  /** Tries at once instead of waiting. */
  readonly now = (): void => {
    if (this.stopped || useLink.getState().state !== "waiting") return;
    clearTimeout(this.retry);
    this.connect();
  };

  private readonly whenSeen = (): void => {
    if (document.visibilityState === "visible") this.now();
  };

  private connect(): void {
    useLink.setState({ state: "connecting", retryAt: 0 });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const cursor = this.events.from();
    this.settled = false;
    const socket = new WebSocket(
      `${scheme}://${location.host}/api/v1/stream${cursor ? `?cursor=${cursor}` : ""}`,
    );
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.take(String(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  private take(text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === "pong") {
      clearTimeout(this.pong);
      this.waiting.shift()?.();
    }
    if (frame.type === "hello") this.alive();
    if (frame.type === "resumed" || frame.type === "snapshot" || frame.type === "resync") this.settled = true;
    this.gathered.push(this.settled ? frame : { ...frame, cursor: 0 });
    this.flushing ??= setTimeout(() => this.flush(), GATHER);
    if (frame.type === "resync") {
      this.flush();
      this.events.resync();
      this.events.ready();
    }
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    const frames = this.gathered;
    this.gathered = [];
    if (frames.length > 0) receive(frames);
  }

  private alive(): void {
    this.attempts = 0;
    useLink.setState({ state: "live", retryAt: 0, broken: false });
    this.ping = setInterval(() => {
      if (this.send({ type: "ping" })) this.waiting.push(() => undefined);
      clearTimeout(this.pong);
      this.pong = setTimeout(() => this.lost(0), PONG_WITHIN);
    }, PING_EVERY);
    this.events.ready();
  }

  private lost(code: number): void {
    this.drop();
    if (this.stopped) return;
    if (code === 4401 || code === 1008) this.events.refused();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.attempts) * (0.7 + Math.random() * 0.6);
    this.attempts += 1;
    useLink.setState({ state: "waiting", retryAt: Date.now() + wait, broken: true });
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private drop(): void {
    this.flush();
    clearInterval(this.ping);
    clearTimeout(this.pong);
    this.waiting = [];
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close();
  }
}
