/** The few plain requests of a visitor's client. */
import type { FileRef } from "./parts";
import type { OutgoingFile, Platform } from "./platform";
import type { Answer } from "./surroundings";
import type { Config, Session, SessionRequest } from "./wire";

export class RequestFailed extends Error {
  /** `status` 0: no answer came. `code`: the server's own name of the problem, or "". */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Device {
  /** Whose push service: Apple's, or Google's Firebase. */
  service: "apns" | "fcm";
  /** As the phone's system hands it out: hex digits at Apple's. */
  token: string;
  /** Of the notification. */
  language: "en" | "zh";
}

export class Rest {
  private readonly base: string;
  private readonly root: string;

  constructor(
    server: string,
    channel: string,
    private readonly platform: Platform,
  ) {
    this.base = server.replace(/\/+$/, "");
    this.root = `${this.base}/widget/${encodeURIComponent(channel)}/`;
  }

  get socketUrl(): string {
    return `${this.root}socket`.replace(/^http/, "ws");
  }

  /** Addresses in messages are relative to the server. */
  address(url: string): string {
    return url.startsWith("/") ? this.base + url : url;
  }

  config(): Promise<Config> {
    return this.ask<Config>("GET", "config");
  }

  session(request: SessionRequest): Promise<Session> {
    return this.ask<Session>("POST", "sessions", request);
  }

  register(visitor: string, device: Device): Promise<unknown> {
    return this.ask("POST", "devices", device, visitor);
  }

  unregister(visitor: string, token: string): Promise<unknown> {
    return this.ask("DELETE", "devices", { token }, visitor);
  }

  async upload(visitor: string, file: OutgoingFile, progress: (share: number) => void): Promise<FileRef> {
    const headers = { Authorization: `Bearer ${visitor}` };
    const sending = () => this.platform.upload({ url: `${this.root}files`, headers, file, progress });
    return (await read(sending)) as unknown as FileRef;
  }

  private async ask<T>(method: "GET" | "POST" | "DELETE", what: string, body?: object, visitor = "") {
    const headers: Record<string, string> = {};
    if (body) headers["Content-Type"] = "application/json";
    if (visitor) headers["Authorization"] = `Bearer ${visitor}`;
    const asking = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    // Not a host page's cookies: the token is the only identity here.
    return (await read(() => this.platform.fetch(this.root + what, { ...asking, credentials: "omit" }))) as T;
  }
}

async function read(asking: () => Promise<Answer>): Promise<Record<string, unknown>> {
  let status: number;
  let text: string;
  try {
    const answer = await asking();
    status = answer.status;
    text = await answer.text();
  } catch (error) {
    throw new RequestFailed(0, "offline", error instanceof Error ? error.message : "");
  }
  const told = parse(text);
  if (status >= 200 && status < 300) return told;
  const words = told["detail"] ?? told["title"];
  throw new RequestFailed(status, String(told["code"] ?? ""), typeof words === "string" ? words : "");
}

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}
