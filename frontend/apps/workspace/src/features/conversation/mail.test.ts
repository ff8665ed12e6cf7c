// @vitest-environment happy-dom
import type { Part } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { fillPictures, inlinePictures, mailPage } from "./mail";

const parts: Part[] = [
  { type: "text", text: "Hello" },
  {
    type: "file",
    state: "stored",
    inline_id: "logo@mail",
    file: { id: "f", name: "logo.png", mime: "image/png", size: 9, url: "/files/f/logo.png?s=1" },
  },
];
const inline = inlinePictures(parts);
const html =
  '<p>Hi</p><img data-cid="logo@mail"><img data-cid="lost@mail"><img data-src="https://track.example/a.gif">' +
  '<img data-src="data:image/png;base64,AA"><img data-src="javascript:alert(1)">';

function sources(remote: boolean): (string | null)[] {
  const page = new DOMParser().parseFromString(
    fillPictures({ html, inline, remote, message: "m" }).html,
    "text/html",
  );
  return [...page.querySelectorAll("img")].map((picture) => picture.getAttribute("src"));
}

describe("pictures of a mail", () => {
  it("are its own files and those written out, but nothing of other hosts", () => {
    expect(sources(false)).toEqual(["/files/f/logo.png?s=1", null, null, "data:image/png;base64,AA", null]);
    expect(fillPictures({ html, inline, remote: false, message: "m" }).left).toBe(1);
  });

  it("come from other hosts by way of ours when a person wants them, never as a script", () => {
    expect(sources(true)).toEqual([
      "/files/f/logo.png?s=1",
      null,
      "/api/v1/messages/m/picture?url=https%3A%2F%2Ftrack.example%2Fa.gif",
      "data:image/png;base64,AA",
      null,
    ]);
  });

  it("are held back by the policy too", () => {
    expect(mailPage("", "https://desk.example")).toContain("img-src data: https://desk.example;");
    expect(mailPage("", "https://desk.example")).toContain("default-src 'none'");
  });
});
