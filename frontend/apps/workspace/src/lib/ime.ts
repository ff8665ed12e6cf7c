/** The part of a keyboard event that decides whether Enter sends. */
export interface EnterEvent {
  key: string;
  keyCode: number;
  isComposing: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/**
 * An input method is using this key: `isComposing` in most browsers; keyCode 229 where the composition has
 * just ended (Safari reports the confirming Enter after `compositionend`).
 */
export function composing(event: Pick<EnterEvent, "keyCode" | "isComposing">): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Enter sends; Shift+Enter and Alt+Enter break the line; an Enter that belongs to an input method never sends. */
export function entersMessage(event: EnterEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.altKey && !composing(event);
}
