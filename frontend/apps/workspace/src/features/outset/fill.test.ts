import type { ApprovedTemplate } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { filledPart, matching, pieces, preview, unplaced } from "./fill";

const order: ApprovedTemplate = {
  name: "SMS_1",
  language: "zh_CN",
  text: "【商店】{name}您好，订单{order}已发货，{name}请查收。{other}",
  variables: ["name", "order"],
  title: "发货通知",
  category: "通知",
};
const plain: ApprovedTemplate = { name: "hello_world", language: "en_US", text: "Welcome!\nSandbox" };
const notice: ApprovedTemplate = {
  name: "abc",
  language: "zh_CN",
  text: "订单状态\n编号：{character_string1}",
  variables: ["character_string1", "phrase2"],
  named: true,
};

describe("a chosen template", () => {
  it("has its variables in place, and only those", () => {
    expect(pieces(order)).toEqual([
      "【商店】",
      { variable: "name", again: false },
      "您好，订单",
      { variable: "order", again: false },
      "已发货，",
      { variable: "name", again: true },
      "请查收。",
      "{other}",
    ]);
    expect(pieces(plain)).toEqual(["Welcome!\nSandbox"]);
    expect(unplaced(order)).toEqual([]);
    expect(unplaced(notice)).toEqual(["phrase2"]);
  });

  it("is sent with the words that the customer will read", () => {
    const values = { name: " 林女士 ", order: "A1 {name}" };
    expect(filledPart(order, values)).toEqual({
      type: "template",
      name: "SMS_1",
      language: "zh_CN",
      variables: ["林女士", "A1 {name}"],
      text: "【商店】林女士您好，订单A1 {name}已发货，林女士请查收。{other}",
    });
    expect(filledPart(plain, {})).toMatchObject({ variables: [], text: "Welcome!\nSandbox" });
  });

  it("names its values where the platform does", () => {
    expect(filledPart(notice, { character_string1: "A1", phrase2: "已发货" })).toMatchObject({
      variables: ["character_string1=A1", "phrase2=已发货"],
      text: "订单状态\n编号：A1",
    });
  });

  it("waits for every value, and shows which one is missing", () => {
    expect(filledPart(order, { name: "林女士", order: "  " })).toBeNull();
    expect(preview(plain, {}, () => "…")).toBe("Welcome!\nSandbox");
    expect(preview(order, { name: "林女士" }, (name) => `[${name}]`)).toBe(
      "【商店】林女士您好，订单[order]已发货，林女士请查收。{other}",
    );
  });
});

describe("the search", () => {
  const all = [order, plain, notice];
  it("looks into names, titles and texts", () => {
    expect(matching(all, "")).toEqual(all);
    expect(matching(all, "发货")).toEqual([order]);
    expect(matching(all, "WELCOME hello")).toEqual([plain]);
    expect(matching(all, "订单 通知")).toEqual([order]);
    expect(matching(all, "nothing")).toEqual([]);
  });
});
