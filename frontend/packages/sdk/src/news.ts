/** Which messages of the company's are news to the app: each is told once, in order, whatever the line does. */
import type { Conversation } from "./conversation";
import type { Message, ServerFrame } from "./wire";

/** Positions count 4096 to the millisecond. A resume repeats the last minute: two servers' clocks may differ a little. */
const OVERLAP = 60_000 * 4096;
/** Pages fetched at most to close a gap; what is older is in the history, but no news any more. */
const MOST_PAGES = 50;

interface Gap {
  /** What the app knew before the line broke. */
  from: number;
  pages: number;
}

export class News {
  private readonly known = new Set<string>();
  private gap: Gap | null = null;
  /** Everything up to here was told in an earlier run. */
  private base = 0;

  /** Begins with what an earlier run has told. */
  begin(seen: number): void {
    this.known.clear();
    this.gap = null;
    this.base = seen;
  }

  /** Where a new line has to take up: before a gap that is still open. */
  from(state: Conversation): number {
    return this.gap?.from ?? Math.max(state.seen, this.base);
  }

  /**
   * Takes note of a frame that has been filed. Returns what to tell now, and the position before which the next older page is
   * needed to close a gap (0: none).
   */
  take(frame: ServerFrame, before: Conversation, state: Conversation): { tell: Message[]; fetch: number } {
    switch (frame.type) {
      case "ready":
        return this.resumed(frame, before, state);
      case "history":
        return this.gap ? this.closing(frame, state) : this.quietly(frame.messages);
      case "message":
        if (this.gap) return { tell: [], fetch: 0 };
        return {
          tell: this.fresh([frame.message], this.changed(frame.message, before) ? Infinity : 0),
          fetch: 0,
        };
      default:
        return { tell: [], fetch: 0 };
    }
  }

  private resumed(frame: Extract<ServerFrame, { type: "ready" }>, before: Conversation, state: Conversation) {
    const from = this.from(before);
    const first = frame.history[0];
    if (from === 0) {
      // The first time on this device: what was said before is history.
      this.base = 1;
      return this.quietly(frame.history);
    }
    if (frame.more && first && first.position > from) {
      this.gap = { from, pages: 0 };
      return { tell: [], fetch: first.position };
    }
    this.gap = null;
    return { tell: this.fresh(state.messages, this.known.size > 0 ? from - OVERLAP : from), fetch: 0 };
  }

  private closing(frame: Extract<ServerFrame, { type: "history" }>, state: Conversation) {
    const gap = this.gap as Gap;
    gap.pages += 1;
    const first = frame.messages[0];
    if (frame.more && first && first.position > gap.from && gap.pages < MOST_PAGES)
      return { tell: [], fetch: first.position };
    this.gap = null;
    return { tell: this.fresh(state.messages, gap.from), fetch: 0 };
  }

  /** An edit or recall of something older than what is held is no new message. */
  private changed(message: Message, before: Conversation): boolean {
    return Boolean(message.edited_at ?? message.recalled_at) && message.position <= before.seen;
  }

  private quietly(messages: readonly Message[]) {
    for (const message of messages) this.known.add(message.id);
    return { tell: [] as Message[], fetch: 0 };
  }

  /** Those behind a position that were never told, in order. */
  private fresh(messages: readonly Message[], after: number): Message[] {
    const found = messages.filter((one) => !this.known.has(one.id) && one.position > after);
    for (const message of messages) this.known.add(message.id);
    return found.filter((one) => one.direction === "out" && !one.recalled_at);
  }
}
