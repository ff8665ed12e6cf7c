/** What outlives the app's run: who the visitor is, how far they have got, and what nobody has acknowledged. */
import type { Outgoing } from "./conversation";
import { toWire } from "./outgoing";
import type { Shelf } from "./surroundings";

export interface Kept {
  /** The visitor's token and id; empty before the first session. */
  token: string;
  visitor: string;
  /** The company's server has vouched for them. */
  signedIn: boolean;
  /** Everything up to here has been told to the app. */
  seen: number;
  /** The token by which this phone is woken; empty when it isn't. */
  device: string;
  outbox: Outgoing[];
}

export const NOBODY: Kept = { token: "", visitor: "", signedIn: false, seen: 0, device: "", outbox: [] };

export class Keep {
  private now: Kept = NOBODY;
  private writing: Promise<void> = Promise.resolve();
  private due = false;

  constructor(
    private readonly shelf: Shelf,
    private readonly name: string,
  ) {}

  get kept(): Kept {
    return this.now;
  }

  /** Reads what is there. A storage that fails is one that is empty: the chat works without. */
  async load(): Promise<Kept> {
    try {
      const text = await this.shelf.getItem(this.name);
      const found = JSON.parse(text ?? "{}") as Partial<Kept> | null;
      this.now = { ...NOBODY, ...found, outbox: Array.isArray(found?.outbox) ? found.outbox : [] };
    } catch {
      this.now = NOBODY;
    }
    return this.now;
  }

  set(change: Partial<Kept>): void {
    this.now = { ...this.now, ...change };
    this.write();
  }

  /** A file that is not uploaded lives in this run only; what was acknowledged is the server's. */
  setOutbox(outbox: readonly Outgoing[]): void {
    const lasting = outbox.filter((item) => item.state !== "sent" && item.parts.flatMap(toWire).length > 0);
    const same =
      lasting.length === this.now.outbox.length && lasting.every((item, n) => item === this.now.outbox[n]);
    if (!same) this.set({ outbox: lasting });
  }

  /** Resolves when everything so far is written. */
  written(): Promise<void> {
    return this.writing;
  }

  /** One write at a time, the newest state, so that a slow storage never ends with an old one. */
  private write(): void {
    if (this.due) return;
    this.due = true;
    this.writing = this.writing.then(async () => {
      this.due = false;
      try {
        await this.shelf.setItem(this.name, JSON.stringify(this.now));
      } catch {
        // A full or forbidden storage: this run still has it.
      }
    });
  }
}
