/** What the surroundings offer (browser, Node, React Native, mini-program), looked up when it is needed: nothing is imported. */

/** As far as we use a WebSocket; the browser's own fits. */
export interface Line {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Answer {
  status: number;
  text(): Promise<string>;
}

export interface Asking {
  method: "GET" | "POST" | "DELETE";
  headers: Record<string, string>;
  body?: string;
}

/** As far as we use `fetch`; the surroundings' own fits. */
export type Fetch = (url: string, asking: Asking & { credentials: "omit" }) => Promise<Answer>;

/** What outlives the app's run. `localStorage` and React Native's AsyncStorage fit. */
export interface Shelf {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

interface Form {
  append(name: string, value: unknown, fileName?: string): void;
}

interface Surroundings {
  WebSocket?: new (url: string) => Line;
  fetch?: (url: string, asking: object) => Promise<Answer>;
  localStorage?: Shelf;
  FormData?: new () => Form;
}

// A mini-program hands its timers to each module by name, and on old phones there is no `globalThis` to find them in.
declare function setTimeout(run: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;
declare const crypto: { getRandomValues?(bytes: Uint8Array): unknown } | undefined;

export const surroundings = (typeof globalThis === "undefined" ? {} : globalThis) as unknown as Surroundings;

/** A socket's `readyState` when frames can be sent. */
export const OPEN = 1;

export function after(milliseconds: number, run: () => void): unknown {
  return setTimeout(run, milliseconds);
}

export function cancel(timer: unknown): void {
  clearTimeout(timer);
}

/** A version 4 UUID. Only the server's bookkeeping needs it to be unique: where nothing better exists, dice will do. */
export function uuid(): string {
  const bytes = new Uint8Array(16).map(() => Math.random() * 256);
  if (typeof crypto !== "undefined") crypto.getRandomValues?.(bytes);
  const hex = [...bytes].map((byte) => (byte + 256).toString(16).slice(1)).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
