// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { beforeEach, expect, it, vi } from "vitest";
import { Chat } from "../chat";
import { FakeSocket } from "@switchboard/sdk/testing";
import { speak } from "../words";
import { Composer } from "./Composer";
import { DeskContext } from "./desk";

let chat: Chat;
let field: HTMLTextAreaElement;
let root: HTMLElement;

async function type(text: string): Promise<void> {
  await act(() => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

async function enter(init: KeyboardEventInit & { keyCode?: number } = {}): Promise<boolean> {
  const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init });
  if (init.keyCode) Object.defineProperty(event, "keyCode", { value: init.keyCode });
  await act(() => void field.dispatchEvent(event));
  return event.defaultPrevented;
}

beforeEach(async () => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  localStorage.clear();
  root = document.createElement("div");
  document.body.replaceChildren(root);
  const options = { channel: "demo", base: "http://127.0.0.1/", nonce: "" };
  chat = new Chat({ ...options, language: null, theme: null, user: null, name: null, email: null });
  await act(() => {
    render(
      <DeskContext.Provider value={{ chat, language: "zh", say: speak("zh") }}>
        <Composer phone={false} onFiles={() => undefined} />
      </DeskContext.Provider>,
      root,
    );
  });
  field = find("textarea");
});

function find<Found extends HTMLElement>(selector: string): Found {
  const found = root.querySelector<Found>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

const sent = () =>
  chat.view.conversation.outbox.flatMap((item) =>
    item.parts.map((p) => (p.type === "text" ? p.text : p.type)),
  );

it("sends on Enter and empties the field", async () => {
  await type("你好");
  expect(await enter()).toBe(true);
  expect(sent()).toEqual(["你好"]);
  expect(field.value).toBe("");
});

it("never sends while an input method is composing, in either browser's way of saying so", async () => {
  await type("ni hao");
  expect(await enter({ isComposing: true })).toBe(false);
  expect(await enter({ keyCode: 229 })).toBe(false);
  expect(sent()).toEqual([]);
});

it("breaks the line on Shift+Enter", async () => {
  await type("one");
  expect(await enter({ shiftKey: true })).toBe(false);
  expect(sent()).toEqual([]);
});

it("puts an emoji where the cursor is", async () => {
  await type("ab");
  field.setSelectionRange(1, 1);
  await act(() => find('button[aria-label="表情"]').click());
  await act(() => find(".emoji button").click());
  expect(field.value).toBe("a😀b");
});
