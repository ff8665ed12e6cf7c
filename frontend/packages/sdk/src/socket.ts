/** One lasting connection to the server: it comes back by itself until it is stopped. */
import { OPEN, after, cancel, type Line } from "./surroundings";
import type { ClientFrame, ServerFrame } from "./wire";

export type Phase = "off" | "connecting" | "ready" | "waiting";

export interface SocketOptions {
  url: string;
  /** The visitor's token; asked anew for every attempt, a rejection counts as a failed attempt. */
  authorise: () => Promise<string>;
  /** The position after which the server shall send what was missed. */
  after: () => number;
  onFrame: (frame: ServerFrame) => void;
  onPhase: (phase: Phase) => void;
  /** The server does not accept the token: the next `authorise` has to bring another one. */
  onRefused: () => void;
  random?: () => number;
  /** Opens a line. */
  dial: (url: string) => Line;
}

/** The server's close code for a token that it does not know. */
export const CLOSE_UNAUTHORISED = 4401;

export const HANDSHAKE_MS = 10_000;
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 10_000;
const FIRST_RETRY_MS = 300;
const STEP_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Milliseconds before attempt `n` (from 0). Spread wide, so that a restarted server is not met by everyone at once. */
export function retryDelay(attempt: number, random: number): number {
  return FIRST_RETRY_MS + random * Math.min(LONGEST_RETRY_MS, STEP_MS * 2 ** attempt);
}

export class Socket {
  phase: Phase = "off";
  private socket: Line | null = null;
  private attempt = 0;
  /** grows with every attempt and stop, so that late answers of a former one are recognised */
  private round = 0;
  private timer: unknown;
  private readonly options: SocketOptions;

  constructor(options: SocketOptions) {
    this.options = options;
  }

  start(): void {
    if (this.phase === "off") this.connect();
  }

  stop(): void {
    this.drop();
    this.attempt = 0;
    this.enter("off");
  }

  /** The network or the page came back: do not sit out the delay, and find out soon whether an open line still lives. */
  wake(): void {
    if (this.phase === "waiting") {
      this.drop();
      this.connect();
    } else if (this.phase === "ready") {
      this.ping();
    }
  }

  /** False when there is no line; the caller keeps what must not be lost. */
  send(frame: ClientFrame): boolean {
    if (this.phase !== "ready" || this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Gives the line up and dials again. */
  reconnect(): void {
    if (this.phase === "off") return;
    this.drop();
    this.enter("waiting");
    const delay = retryDelay(this.attempt, (this.options.random ?? Math.random)());
    this.attempt += 1;
    this.timer = after(delay, () => this.connect());
  }

  private connect(): void {
    const round = ++this.round;
    this.enter("connecting");
    cancel(this.timer);
    this.timer = after(HANDSHAKE_MS, () => this.reconnect());
    this.options.authorise().then(
      (token) => {
        if (round === this.round) this.dial(round, token);
      },
      () => {
        if (round === this.round) this.reconnect();
      },
    );
  }

  private dial(round: number, token: string): void {
    let socket: Line;
    try {
      socket = this.options.dial(this.options.url);
    } catch {
      // A page whose content security policy forbids the address gets an exception instead of a close event.
      this.reconnect();
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      const hello: ClientFrame = { type: "hello", token, after: this.options.after() };
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (round === this.round) this.receive(event.data);
    };
    // Node and mini-programs tell of a line that never came about by an error alone, without a close.
    socket.onclose = socket.onerror = (event: { code?: number }) => {
      if (round !== this.round) return;
      if (event.code === CLOSE_UNAUTHORISED) this.options.onRefused();
      this.reconnect();
    };
  }

  private receive(data: unknown): void {
    const frame = parse(data);
    if (!frame) return;
    if (frame.type === "ready") {
      this.attempt = 0;
      this.listen();
      // What was missed is applied before anyone sends on the new line.
      this.options.onFrame(frame);
      this.enter("ready");
      return;
    }
    if (this.phase === "ready") this.listen();
    if (frame.type !== "pong") this.options.onFrame(frame);
  }

  /** Any frame proves that the line lives; after a silence we ask. */
  private listen(): void {
    cancel(this.timer);
    this.timer = after(PING_EVERY_MS, () => this.ping());
  }

  private ping(): void {
    this.send({ type: "ping" });
    cancel(this.timer);
    this.timer = after(PONG_WITHIN_MS, () => this.reconnect());
  }

  private drop(): void {
    this.round += 1;
    cancel(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  private enter(phase: Phase): void {
    if (this.phase === phase) return;
    this.phase = phase;
    this.options.onPhase(phase);
  }
}

function parse(data: unknown): ServerFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === "object" && frame !== null && "type" in frame ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
