import { describe, expect, it } from "vitest";
import { entersMessage, type EnterEvent } from "./ime";

const enter = (over: Partial<EnterEvent> = {}): EnterEvent => ({
  key: "Enter",
  keyCode: 13,
  isComposing: false,
  shiftKey: false,
  altKey: false,
  ...over,
});

describe("Enter in the composer", () => {
  it("sends", () => expect(entersMessage(enter())).toBe(true));
  it("breaks the line with Shift or Alt", () => {
    expect(entersMessage(enter({ shiftKey: true }))).toBe(false);
    expect(entersMessage(enter({ altKey: true }))).toBe(false);
  });
  it("never sends while an input method composes", () => {
    expect(entersMessage(enter({ isComposing: true }))).toBe(false);
  });
  it("never sends the Enter that confirms a candidate in Safari", () => {
    expect(entersMessage(enter({ keyCode: 229 }))).toBe(false);
  });
  it("ignores other keys", () => expect(entersMessage(enter({ key: "a", keyCode: 65 }))).toBe(false));
});
