import { describe, expect, it } from "vitest";
import { snoozeChoices } from "./snooze";

describe("snoozeChoices", () => {
  it("lie in the future, next Monday too when today is Monday", () => {
    for (let day = 15; day <= 21; day += 1) {
      const now = new Date(2026, 10, day, 14, 30);
      const choices = snoozeChoices(now);
      expect(choices.every((c) => c.until > now)).toBe(true);
      const monday = choices.find((c) => c.id === "monday");
      expect(monday?.until.getDay()).toBe(1);
      expect(monday?.until.getHours()).toBe(9);
    }
  });
  it("offer this evening only before it", () => {
    expect(snoozeChoices(new Date(2026, 10, 20, 9)).some((c) => c.id === "evening")).toBe(true);
    expect(snoozeChoices(new Date(2026, 10, 20, 17)).some((c) => c.id === "evening")).toBe(false);
  });
});
