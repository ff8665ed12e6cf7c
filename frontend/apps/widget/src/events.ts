/** What the host page may listen to. */
import type { Message } from "./wire";

export interface Events {
  ready: { online: boolean };
  open: undefined;
  close: undefined;
  message: Message;
  unread: number;
}

export class Listeners {
  private readonly sets = new Map<string, Set<(detail: unknown) => void>>();

  /** Returns the function that ends it. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    const set = this.sets.get(name) ?? new Set();
    this.sets.set(name, set);
    set.add(listener as (detail: unknown) => void);
    return () => set.delete(listener as (detail: unknown) => void);
  }

  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of this.sets.get(name) ?? []) {
      // The host page's fault must not break the chat.
      try {
        listener(detail);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
