// @vitest-environment happy-dom
import { act, createElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StickerPanel } from "./sticker-panel";
import { moved, stickersOf } from "./stickers";

const MOON = { id: "446", title: "Moon: Special Edition", first: 1988, last: 2027 };
const SORRY = { id: "6136", title: "LINE Characters: Making Amends", first: 10551376, last: 10551399 };

describe("stickers", () => {
  it("names every number of a pack", () => {
    const all = stickersOf([MOON, SORRY]);
    expect(all).toHaveLength(64);
    expect([all[0]?.key, all[39]?.key, all[40]?.key, all[63]?.key]).toEqual([
      "446:1988",
      "446:2027",
      "6136:10551376",
      "6136:10551399",
    ]);
  });

  it("walks by arrow keys and stops at the ends", () => {
    expect([moved(0, "ArrowLeft", 64), moved(0, "ArrowDown", 64), moved(62, "ArrowDown", 64)]).toEqual([
      0, 4, 63,
    ]);
    expect([moved(5, "End", 64), moved(5, "Home", 64), moved(5, "Enter", 64)]).toEqual([63, 0, null]);
  });
});

describe("the panel", () => {
  let root: Root;
  const choose = vi.fn();
  const close = vi.fn();
  beforeEach(() => {
    (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
    const place = document.body.appendChild(document.createElement("div"));
    root = createRoot(place);
    const picture = (key: string) => `/pictures/${key}`;
    act(() => root.render(createElement(StickerPanel, { packs: [MOON, SORRY], picture, choose, close })));
  });
  afterEach(() => {
    act(() => root.unmount());
    document.body.replaceChildren();
    vi.clearAllMocks();
  });
  const press = (key: string) =>
    act(() => {
      document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    });
  const buttons = () => [...document.querySelectorAll("button")];

  it("has one stop for the tab key, which arrow keys carry along", () => {
    expect(document.activeElement).toBe(buttons()[0]);
    press("End");
    press("ArrowUp");
    expect(document.activeElement).toBe(buttons()[59]);
    expect(buttons().filter((one) => one.tabIndex === 0)).toEqual([buttons()[59]]);
    act(() => (document.activeElement as HTMLButtonElement).click());
    expect(choose).toHaveBeenCalledExactlyOnceWith("6136:10551395");
    press("Escape");
    expect(close).toHaveBeenCalledOnce();
  });

  it("says number and pack where the picture can't be had", () => {
    const image = buttons()[1]?.querySelector("img");
    expect(image?.getAttribute("src")).toBe("/pictures/446:1989");
    act(() => {
      image?.dispatchEvent(new Event("error"));
    });
    expect(buttons()[1]?.textContent).toBe("1989Moon: Special Edition");
    act(() => buttons()[1]?.click());
    expect(choose).toHaveBeenCalledExactlyOnceWith("446:1989");
  });
});
