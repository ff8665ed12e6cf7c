/** The one chat of this mini-program. */
import { platform } from "./platform";
import { Chat } from "./sdk";

/** Your installation and the site key of its channel. */
const SERVER = "https://contact.example";
const CHANNEL = "THE-SITE-KEY";
/** Your own server: it finds out who is behind the code, and answers with a token as docs/how-to/app-sdk.md says. */
const TOKENS = "https://shop.example/chat-token";

export const chat = new Chat({
  server: SERVER,
  channel: CHANNEL,
  language: "zh",
  hostToken,
  platform,
});

async function hostToken(): Promise<string> {
  const { code } = await wx.login();
  return new Promise((resolve, reject) => {
    wx.request<string>({
      url: TOKENS,
      method: "POST",
      data: { code },
      dataType: "其他",
      success: ({ statusCode, data }) =>
        statusCode === 200 ? resolve(data) : reject(new Error(`无法登录（${statusCode}）`)),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    });
  });
}
