// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { inkOn, isColour } from "./colour";
import { chooseLanguage, readOptions } from "./options";

function tag(attributes: Record<string, string>): HTMLScriptElement {
  const element = document.createElement("script");
  // Not in the page: nothing is fetched.
  Object.defineProperty(element, "src", { value: attributes["src"] ?? "" });
  for (const [name, value] of Object.entries(attributes))
    if (name !== "src") element.setAttribute(name, value);
  return element;
}

describe("readOptions", () => {
  it("finds the server beside the script, also under a path", () => {
    const options = readOptions(
      tag({ src: "https://desk.example/help/widget.js?v=1", "data-channel": "k1" }),
    );
    expect(options).toMatchObject({
      base: "https://desk.example/help/",
      channel: "k1",
      user: null,
      language: null,
    });
  });

  it("takes a vouched-for person apart from what is only said", () => {
    const src = "https://desk.example/widget.js";
    const said = { src, "data-channel": "k1", "data-name": "Mei", "data-email": "mei@shop.example" };
    expect(readOptions(tag(said))).toMatchObject({ user: null, name: "Mei" });
    const proven = { ...said, "data-user-id": "u1", "data-user-hmac": "ab" };
    expect(readOptions(tag(proven))?.user).toEqual({
      id: "u1",
      hmac: "ab",
      name: "Mei",
      email: "mei@shop.example",
    });
  });

  it("is nothing without a channel", () => {
    expect(readOptions(tag({ src: "https://desk.example/widget.js" }))).toBeNull();
  });
});

describe("chooseLanguage", () => {
  it.each([
    [["zh-TW"], ["zh-CN", "en"], "zh"],
    [[null, "fr", "en-GB"], ["zh-CN", "en"], "en"],
    [["en"], ["zh-CN"], "zh"],
    [["fr"], [], "en"],
    [["fr"], ["zh-CN", "en"], "zh"],
  ])("%j among %j is %s", (wishes, languages, expected) => {
    expect(chooseLanguage(wishes, languages)).toBe(expected);
  });
});

it("writes on a company's colour what can be read", () => {
  expect([inkOn("#0f766e"), inkOn("#1f6feb"), inkOn("#000"), inkOn("#ffd400"), inkOn("#fff")]).toEqual([
    "#ffffff",
    "#ffffff",
    "#ffffff",
    "#14161a",
    "#14161a",
  ]);
  expect([isColour("#0f766e"), isColour("red;}"), isColour("")]).toEqual([true, false, false]);
});
