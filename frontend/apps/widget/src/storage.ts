/** What outlives the page: the visitor's token, what was read, and messages that nobody has acknowledged. */
import { toWire, type Outgoing } from "@switchboard/sdk/engine";
import type { Profile } from "./wire";

export interface Visitor {
  token: string | null;
  /** the host page's own id of a signed-in person */
  user: string | null;
  read: number;
  profile: Profile;
  /** the form before the chat was filled in or skipped */
  introduced: boolean;
}

const NOBODY: Visitor = { token: null, user: null, read: 0, profile: {}, introduced: false };

type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** A Map where the browser forbids storage (private windows, blocked third parties, a full disk). */
function inMemory(): Shelf {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

function working(open: () => Storage): Shelf {
  try {
    const shelf = open();
    const probe = "switchboard:probe";
    shelf.setItem(probe, "1");
    shelf.removeItem(probe);
    return shelf;
  } catch {
    return inMemory();
  }
}

export class Keep {
  private readonly lasting: Shelf;
  private readonly thisTab: Shelf;
  private readonly name: string;

  constructor(channel: string) {
    this.name = `switchboard:${channel}`;
    this.lasting = working(() => window.localStorage);
    this.thisTab = working(() => window.sessionStorage);
  }

  visitor(): Visitor {
    return { ...NOBODY, ...read<Partial<Visitor>>(this.lasting, this.name, {}) };
  }

  setVisitor(change: Partial<Visitor>): void {
    write(this.lasting, this.name, { ...this.visitor(), ...change });
  }

  /** Another person uses this browser now. */
  forget(): void {
    this.lasting.removeItem(this.name);
    this.lasting.removeItem(this.outboxName());
  }

  outbox(): Outgoing[] {
    const items = read<unknown>(this.lasting, this.outboxName(), []);
    return Array.isArray(items) ? (items as Outgoing[]) : [];
  }

  /** Keeps what waits, and drops what the server has acknowledged. */
  followOutbox(before: readonly Outgoing[], after: readonly Outgoing[]): void {
    if (before === after) return;
    for (const item of after) {
      if (before.includes(item)) continue;
      if (item.state === "sent") this.removeOutgoing(item.client_id);
      // A file that is not uploaded lives in this page only.
      else if (item.state !== "uploading" && item.parts.flatMap(toWire).length > 0) this.putOutgoing(item);
    }
    const left = new Set(after.map((item) => item.client_id));
    for (const item of before) {
      if (!left.has(item.client_id)) this.removeOutgoing(item.client_id);
    }
  }

  /** Other tabs write here too, so each change starts from what is there now. */
  private putOutgoing(item: Outgoing): void {
    const items = this.outbox();
    const index = items.findIndex((other) => other.client_id === item.client_id);
    if (index < 0) items.push(item);
    else items[index] = item;
    write(this.lasting, this.outboxName(), items);
  }

  private removeOutgoing(clientId: string): void {
    const items = this.outbox();
    const rest = items.filter((item) => item.client_id !== clientId);
    if (rest.length !== items.length) write(this.lasting, this.outboxName(), rest);
  }

  isOpen(): boolean {
    return this.thisTab.getItem(`${this.name}:open`) === "1";
  }

  setOpen(open: boolean): void {
    write(this.thisTab, `${this.name}:open`, open ? 1 : 0);
  }

  private outboxName(): string {
    return `${this.name}:outbox`;
  }
}

function read<T>(shelf: Shelf, key: string, otherwise: T): T {
  try {
    return (JSON.parse(shelf.getItem(key) ?? "null") as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(shelf: Shelf, key: string, value: unknown): void {
  try {
    shelf.setItem(key, JSON.stringify(value));
  } catch {
    // Quota: the page's copy is still there, only a reload would lose it.
  }
}
