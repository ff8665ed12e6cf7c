import { describe, expect, it } from "vitest";
import { filterOf, filterQuery, viewSpec } from "./views";

describe("views", () => {
  it("have one key per filter, whatever the order of its fields", () => {
    const one = viewSpec("all", "last", { kind: "web", channel: "c1" });
    const other = viewSpec("all", "last", { channel: "c1", kind: "web", tag: "" });
    expect(one.key).toBe(other.key);
    expect(viewSpec("all", "waiting").key).not.toBe(viewSpec("all", "last").key);
  });
  it("say the same to REST and to the stream", () => {
    expect(filterQuery(viewSpec("mine", "last", { kind: "web" }))).toEqual({
      status: "new,open,pending",
      assignee: "me",
      kind: "web",
      sort: "last",
    });
  });
  it("order the waiting list by waiting", () => expect(viewSpec("waiting", "last").sort).toBe("waiting"));
  it("fall back to all open for an unknown name", () =>
    expect(filterOf("nonsense")).toEqual(filterOf("all")));
});
