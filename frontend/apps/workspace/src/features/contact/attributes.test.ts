import i18next from "i18next";
import { expect, it } from "vitest";
import zh from "@/locales/zh-CN.json";
import { attributeRows } from "./attributes";

it("says what channels told in the reader's words, and leaves others' keys alone", async () => {
  const t = await i18next
    .createInstance()
    .init({ lng: "zh", resources: { zh: { translation: zh } }, interpolation: { escapeValue: false } });
  const told = {
    douyin_entry: { scene: "video", ad: { adv_name: "山野集" } },
    weibo_subscribed: false,
    "shop:tier.now": ["gold", 3],
    post: { text: "New" },
  };
  expect(attributeRows(told, t)).toEqual([
    ["douyin_entry", "进入私信的来源", "场景: video · 广告: 广告主: 山野集"],
    ["weibo_subscribed", "已订阅微博推送", "否"],
    ["shop:tier.now", "shop:tier.now", "gold, 3"],
  ]);
});
