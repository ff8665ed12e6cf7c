import { describe, expect, it } from "vitest";
import { safeUrl, segments } from "./links";

const links = (text: string) => segments(text).flatMap((s) => (s.href ? [[s.text, s.href]] : []));

describe("segments", () => {
  it("gives the text back unchanged", () => {
    for (const text of [
      "",
      "plain",
      "a https://x.example b www.y.example, c@d.example!",
      "看https://x.example/路。",
    ]) {
      expect(
        segments(text)
          .map((s) => s.text)
          .join(""),
      ).toBe(text);
    }
  });

  it.each([
    ["see https://shop.example/a?b=1&c=2.", "https://shop.example/a?b=1&c=2"],
    ["(https://shop.example/a)", "https://shop.example/a"],
    ["https://wiki.example/Tent_(shelter), yes", "https://wiki.example/Tent_(shelter)"],
    ["尺码表https://shop.example/size，您看", "https://shop.example/size"],
    ["链接：https://shop.example/尺码", "https://shop.example/"],
    ['"https://shop.example"', "https://shop.example"],
  ])("ends an address where the sentence goes on: %s", (text, expected) => {
    expect(links(text).map(([shown]) => shown)).toEqual([expected]);
  });

  it("completes www and e-mail addresses", () => {
    expect(links("www.shop.example or help@shop.example")).toEqual([
      ["www.shop.example", "https://www.shop.example/"],
      ["help@shop.example", "mailto:help@shop.example"],
    ]);
  });

  it("links nothing that could run code", () => {
    expect(links("javascript:alert(1) data:text/html,x <img src=x onerror=alert(1)>")).toEqual([]);
  });
});

it.each([
  ["https://a.example/x", "https://a.example/x"],
  ["javascript:alert(1)", null],
  ["JaVaScRiPt:alert(1)", null],
  ["//a.example", null],
  ["not an address", null],
])("safeUrl(%s)", (url, expected) => expect(safeUrl(url)).toBe(expected));
