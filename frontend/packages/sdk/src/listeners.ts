/** Typed listeners: whoever listens gets what the name promises. */
import { after } from "./surroundings";

export class Listeners<Events extends object> {
  private readonly sets = new Map<keyof Events, Set<(detail: never) => void>>();

  /** Returns the function that ends it. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    const set = this.sets.get(name) ?? new Set();
    this.sets.set(name, set);
    set.add(listener);
    return () => void set.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of this.sets.get(name) ?? []) {
      // A listener's fault must not break the chat.
      try {
        (listener as (detail: Events[Name]) => void)(detail);
      } catch (error) {
        after(0, () => {
          throw error;
        });
      }
    }
  }
}
