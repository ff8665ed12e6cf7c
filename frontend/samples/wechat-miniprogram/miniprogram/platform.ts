/** WeChat's surroundings, as the SDK wants them. A file's `content` is its temporary path. */
import type { Answer, Asking, Line, Platform, Upload } from "./sdk";

/** The states of a WebSocket, by its own numbers. */
const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

/** A socket of WeChat's tells by callbacks what a WebSocket tells by properties. */
class WxLine implements Line {
  readyState = CONNECTING;
  onopen: Line["onopen"] = null;
  onmessage: Line["onmessage"] = null;
  onclose: Line["onclose"] = null;
  onerror: Line["onerror"] = null;
  private readonly task: WechatMiniprogram.SocketTask;

  constructor(url: string) {
    const failed = () => {
      this.readyState = CLOSED;
      this.onerror?.({} as never);
    };
    this.task = wx.connectSocket({ url, fail: failed });
    this.task.onError(failed);
    this.task.onOpen(() => {
      this.readyState = OPEN;
      this.onopen?.({} as never);
    });
    this.task.onMessage(({ data }) => this.onmessage?.({ data } as never));
    this.task.onClose(({ code }) => {
      this.readyState = CLOSED;
      this.onclose?.({ code } as never);
    });
  }

  send(text: string): void {
    this.task.send({ data: text });
  }

  close(): void {
    this.readyState = CLOSED;
    this.task.close({});
  }
}

function request(url: string, { method, headers, body }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    wx.request<string>({
      url,
      method,
      header: headers,
      // Anything but "json" leaves the answer as it came.
      dataType: "其他",
      ...(body ? { data: body } : {}),
      success: ({ statusCode, data }) => resolve(answer(statusCode, data)),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    });
  });
}

function upload({ url, headers, file, progress }: Upload): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const copy = named(file.content as string, file.name);
    const task = wx.uploadFile({
      url,
      filePath: copy,
      name: "file",
      header: headers,
      success: ({ statusCode, data }) => resolve(answer(statusCode, data)),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
      complete: () => wx.getFileSystemManager().unlink({ filePath: copy }),
    });
    task.onProgressUpdate((now) => progress(now.progress / 100));
  });
}

/** WeChat uploads a file under the name that it has on the phone: give it the one that the agent shall see. */
function named(path: string, name: string): string {
  const copy = `${wx.env.USER_DATA_PATH}/${name.replace(/[/\\]/g, "_")}`;
  wx.getFileSystemManager().copyFileSync(path, copy);
  return copy;
}

function answer(status: number, text: string): Answer {
  return { status, text: () => Promise.resolve(text) };
}

export const platform: Platform = {
  connect: (url) => new WxLine(url),
  fetch: request,
  upload,
  storage: {
    getItem: (key) => (wx.getStorageSync<string>(key) as string) || null,
    setItem: (key, value) => wx.setStorageSync(key, value),
    removeItem: (key) => wx.removeStorageSync(key),
  },
};
