/** The server's own proof, replayed: what it recorded before, the frames it sent, and what was there afterwards. */
import type { Conversation, ServerFrame } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { apply, viewOf } from "./apply";
import proof from "./proof.json";
import { empty, type Live } from "./state";

interface Triple {
  viewer: string;
  before: Record<string, Conversation[]>;
  frames: ServerFrame[];
  after: Record<string, Conversation[]>;
}

const triples = proof as unknown as Triple[];

function start(views: Record<string, Conversation[]>): Live {
  return Object.entries(views).reduce<Live>(
    (state, [key, items]) =>
      apply(state, {
        cursor: 1,
        type: "snapshot",
        data: { key, items, next: null },
      } as unknown as ServerFrame),
    empty,
  );
}

function shown(state: Live, keys: string[]): Record<string, unknown> {
  return Object.fromEntries(
    keys.map((key) => [
      key,
      viewOf(state, key)
        .ids.map((id) => state.conversations[id])
        .sort((a, b) => (a?.id ?? "").localeCompare(b?.id ?? "")),
    ]),
  );
}

describe("snapshot plus changes", () => {
  it("is replayed from enough of the server's records", () => {
    expect(triples.length).toBeGreaterThan(7);
  });

  it.each(triples.map((one, nr) => [nr, one.viewer, one] as const))(
    "number %i, seen by %s, equals a fresh snapshot",
    (_, __, one) => {
      const keys = Object.keys(one.after);
      const state = one.frames.reduce(apply, start(one.before));
      expect(shown(state, keys)).toEqual(shown(start(one.after), keys));
    },
  );
});
