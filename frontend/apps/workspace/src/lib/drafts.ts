/** Unsent words, kept per conversation in this browser. */
import { readStored, writeStored } from "./stored";

export interface DraftText {
  text: string;
  note: boolean;
}

const KEY = "drafts";
/** The oldest drafts give way. */
const MOST = 100;

type Drafts = Record<string, DraftText & { at: number }>;

export function readDraft(id: string): DraftText {
  const found = readStored<Drafts>(KEY, {})[id];
  return { text: found?.text ?? "", note: found?.note ?? false };
}

export function keepDraft(id: string, draft: DraftText, now: number): void {
  const others = Object.entries(readStored<Drafts>(KEY, {})).filter(([other]) => other !== id);
  const mine: typeof others = draft.text.trim() ? [[id, { ...draft, at: now }]] : [];
  const entries = [...mine, ...others].sort(([, a], [, b]) => b.at - a.at);
  writeStored(KEY, Object.fromEntries(entries.slice(0, MOST)));
}
