import { expect, it } from "vitest";
import { duration } from "./time";

const HOUR = 3_600_000;

it("says how long in one unit, or two where the second matters", () => {
  const said = (ms: number) => [duration(ms, "en"), duration(ms, "zh-CN")];
  expect(said(40_000)).toEqual(["40s", "40 秒"]);
  expect(said(1.5 * HOUR)).toEqual(["1h 30m", "1 小时 30 分"]);
  expect(said(47.9 * HOUR)).toEqual(["1d 23h", "1 天 23 小时"]);
  expect(said(48 * HOUR)).toEqual(["2d", "2 天"]);
  expect(said(100 * HOUR)).toEqual(["4d", "4 天"]);
});
