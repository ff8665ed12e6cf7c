/**
 * Everything that a person can do here by key. A screen registers its commands while it is shown; one listener
 * runs them, and the palette and the help page read the same list.
 */
import { useEffect, useRef } from "react";
import { create } from "zustand";
import { composing } from "./ime";

export interface Command {
  id: string;
  section: string;
  title: string;
  /** `e`, `?`, `mod+k` (Ctrl or ⌘), `escape`. */
  key?: string;
  run: () => void;
  disabled?: boolean;
  /** Not offered in the palette (for example "next conversation"). */
  hidden?: boolean;
}

export const useCommandList = create<{ owners: Map<symbol, Command[]> }>(() => ({ owners: new Map() }));

export function allCommands(owners: Map<symbol, Command[]>): Command[] {
  return [...owners.values()].flat();
}

/** Registers while mounted. The newest registration of a key wins. */
export function useCommands(commands: Command[]): void {
  const owner = useRef(Symbol("commands"));
  const signature = commands.map((c) => `${c.id}|${c.title}|${c.key}|${c.disabled}`).join();
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  useEffect(() => {
    const me = owner.current;
    const stable = latest.current.map((c) => ({
      ...c,
      run: () => latest.current.find((x) => x.id === c.id)?.run(),
    }));
    useCommandList.setState(({ owners }) => ({ owners: new Map(owners).set(me, stable) }));
    return () =>
      useCommandList.setState(({ owners }) => {
        const rest = new Map(owners);
        rest.delete(me);
        return { owners: rest };
      });
  }, [signature]);
}

/** Name of the pressed key as commands write it. */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey">): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

function typingInto(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey || composing(event)) return;
  const name = keyName(event);
  if (typingInto(event.target) && !name.startsWith("mod+")) return;
  if (document.querySelector(".ant-modal-wrap:not([style*='display: none'])") && name !== "mod+k") return;
  const found = allCommands(useCommandList.getState().owners)
    .reverse()
    .find((c) => c.key === name && !c.disabled);
  if (!found) return;
  event.preventDefault();
  found.run();
}

const mac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

export function keyLabel(key: string): string {
  return key
    .split("+")
    .map((k) =>
      k === "mod" ? (mac ? "⌘" : "Ctrl") : k === "escape" ? "Esc" : k === "enter" ? "↵" : k.toUpperCase(),
    )
    .join(mac ? "" : "+");
}
