import { describe, expect, it } from "vitest";
import { fileSize, linkRuns, markedRuns, onlyEmoji, previewText, shortId } from "./text";

describe("linkRuns", () => {
  it("links addresses and keeps full-width punctuation outside", () => {
    expect(linkRuns("请看https://example.com/a?b=1。谢谢")).toEqual([
      { text: "请看" },
      { text: "https://example.com/a?b=1", href: "https://example.com/a?b=1" },
      { text: "。谢谢" },
    ]);
  });
  it("leaves a closing bracket and a full stop out of the link", () => {
    expect(linkRuns("(see https://example.com/x).").at(1)?.text).toBe("https://example.com/x");
  });
  it("never links a script address", () => {
    expect(linkRuns("javascript:alert(1)")).toEqual([{ text: "javascript:alert(1)" }]);
  });
});

describe("markedRuns", () => {
  it("cuts overlapping ranges once", () => {
    const marks = [
      { start: 2, end: 4 },
      { start: 0, end: 3 },
    ];
    expect(markedRuns("退款申请", marks)).toEqual([
      { text: "退款申", hit: true },
      { text: "请", hit: true },
    ]);
  });
});

describe("markedRuns after an emoji", () => {
  it("counts characters as the server does", () => {
    expect(markedRuns("🎉 退款", [{ start: 2, end: 4 }])).toEqual([
      { text: "🎉 ", hit: false },
      { text: "退款", hit: true },
    ]);
  });
});

describe("previewText", () => {
  it("translates the server's marks and leaves words alone", () => {
    expect(previewText("[image] 发票", (kind) => `<${kind}>`)).toBe("[<image>] 发票");
    expect(previewText("[sic] hello", () => "")).toBe("[sic] hello");
  });
});

describe("onlyEmoji", () => {
  it("knows emoji from text and digits", () => {
    expect(onlyEmoji("👍🏽 🎉")).toBe(true);
    expect(onlyEmoji("👨‍👩‍👧")).toBe(true);
    expect(onlyEmoji("12")).toBe(false);
    expect(onlyEmoji("ok 👍")).toBe(false);
  });
});

describe("fileSize", () => {
  it("uses decimal units", () => {
    expect([fileSize(512), fileSize(2_400), fileSize(31_000_000)]).toEqual(["512 B", "2.4 kB", "31 MB"]);
  });
});

describe("shortId", () => {
  it("cuts what only machines read", () => {
    expect(shortId("0d3f0c2a9b7e4411aa20c0ffee5a0d0a11e0c0ff")).toBe("0d3f0c");
    expect(shortId("oMbHAC5RvegZXN-fq8sDRx1YwTgk")).toBe("1YwTgk");
    expect(shortId("amzn1.ask.account.9B537E1D5720A7C93A7C88D795B3")).toBe("D795B3");
  });
  it("leaves names, numbers, addresses and links alone", () => {
    for (const one of [
      "Zoe",
      "+8613800000001",
      "somebody.with.4.dots@customers.example",
      "https://shop.example/lamp/1",
    ])
      expect(shortId(one)).toBeNull();
  });
});
