import { bubble, type Bubble } from "../../bubbles";
import { chat } from "../../chat";
import { RequestFailed } from "../../sdk";

const recorder = wx.getRecorderManager();
const player = wx.createInnerAudioContext();
const LONGEST_VOICE_MS = 60_000;

/** A tap carries what the template put into `data-…`. */
type Tap = WechatMiniprogram.BaseEvent<WechatMiniprogram.IAnyObject, Record<string, string>>;

Page({
  data: {
    bubbles: [] as Bubble[],
    last: "",
    text: "",
    typing: "",
    line: "",
    recording: false,
  },

  /** What ends the listening when the page goes. */
  ends: [] as (() => void)[],

  onLoad() {
    this.ends = [
      chat.on("change", () => this.draw()),
      chat.on("typing", (name) => this.setData({ typing: name ? `${name} 正在输入…` : "" })),
      chat.on("phase", (phase) => this.setData({ line: phase === "waiting" ? "网络不稳定，正在重连…" : "" })),
      chat.on("error", (error) => {
        // Status 0: no network. The line above says so already.
        if (!(error instanceof RequestFailed) || error.status > 0)
          void wx.showToast({ title: error.message || "出错了", icon: "none" });
      }),
    ];
    recorder.onStop(({ tempFilePath, duration, fileSize }) =>
      chat.sendVoice({
        name: "voice.mp3",
        mime: "audio/mpeg",
        content: tempFilePath,
        size: fileSize,
        duration: duration / 1000,
        preview: tempFilePath,
      }),
    );
    this.draw();
  },

  onUnload() {
    for (const end of this.ends) end();
  },

  draw() {
    const bubbles = chat.timeline.map(bubble);
    const grown = bubbles.length > this.data.bubbles.length;
    this.setData({ bubbles, ...(grown ? { last: `b${bubbles.length - 1}` } : {}) });
    chat.markRead();
  },

  write({ detail }: WechatMiniprogram.Input) {
    this.setData({ text: detail.value });
    chat.typing();
  },

  send() {
    const text = this.data.text.trim();
    if (!text) return;
    chat.sendText(text);
    this.setData({ text: "" });
  },

  async picture() {
    const { tempFiles } = await wx.chooseMedia({ mediaType: ["image"], count: 9 });
    tempFiles.forEach(({ tempFilePath, size }, number) => {
      const ending = /\.\w+$/.exec(tempFilePath)?.[0].toLowerCase() ?? ".jpg";
      const mime = ending === ".png" ? "image/png" : "image/jpeg";
      const name = `${Date.now()}-${number}${ending}`;
      chat.sendImage({ name, mime, content: tempFilePath, size, preview: tempFilePath });
    });
  },

  /** Mini-programs can choose files only from the user's WeChat conversations. */
  async file() {
    const { tempFiles } = await wx.chooseMessageFile({ count: 1, type: "file" });
    for (const { name, path, size } of tempFiles)
      chat.sendFile({ name, mime: "application/octet-stream", content: path, size });
  },

  speak() {
    recorder.start({ format: "mp3", duration: LONGEST_VOICE_MS });
    this.setData({ recording: true });
  },

  spoken() {
    recorder.stop();
    this.setData({ recording: false });
  },

  older() {
    void chat.loadOlder();
  },

  look({ currentTarget }: Tap) {
    void wx.previewImage({ urls: [currentTarget.dataset["url"] ?? ""] });
  },

  listen({ currentTarget }: Tap) {
    player.src = currentTarget.dataset["url"] ?? "";
    player.play();
  },

  open({ currentTarget }: Tap) {
    wx.downloadFile({
      url: currentTarget.dataset["url"] ?? "",
      success: ({ tempFilePath }) => void wx.openDocument({ filePath: tempFilePath, showMenu: true }),
    });
  },

  choose({ currentTarget }: Tap) {
    chat.choose(currentTarget.dataset["id"] ?? "", currentTarget.dataset["title"] ?? "");
  },

  retry({ currentTarget }: Tap) {
    chat.retry(currentTarget.dataset["key"] ?? "");
  },
});
