/**
 * WeChat's `wx`, as far as the mini-program's sample uses it, played by Node: callbacks, temporary paths, storage
 * that answers "" for what isn't there, sockets that tell of a failed dial by an error alone.
 */
import { copyFileSync, existsSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";

const storage = { path: "", read: () => (existsSync(storage.path) ? JSON.parse(readFileSync(storage.path, "utf8")) : {}) };

function connectSocket({ url }) {
  const socket = new WebSocket(url);
  return {
    onOpen: (told) => socket.addEventListener("open", () => told({ header: {} })),
    onMessage: (told) => socket.addEventListener("message", ({ data }) => told({ data })),
    onClose: (told) => socket.addEventListener("close", ({ code, reason }) => told({ code, reason })),
    onError: (told) => socket.addEventListener("error", () => told({ errMsg: "connectSocket:fail" })),
    send: ({ data }) => socket.send(data),
    close: () => socket.close(),
  };
}

async function ask({ url, method, header, data, success, fail, complete }) {
  try {
    const answer = await fetch(url, { method, headers: header, body: data });
    success({ statusCode: answer.status, data: await answer.text() });
  } catch (error) {
    fail({ errMsg: `request:fail ${error.message}` });
  }
  complete?.();
}

function uploadFile({ filePath, name, ...asking }) {
  const told = [];
  const form = new FormData();
  form.append(name, new Blob([readFileSync(filePath)]), basename(filePath));
  void ask({ ...asking, method: "POST", data: form }).then(() => told.forEach((tell) => tell({ progress: 100 })));
  return { onProgressUpdate: (tell) => void told.push(tell) };
}

/** `kept` is the file that outlives the app; copies are made beside it. */
export function weixin(kept) {
  storage.path = kept;
  const set = (key, value) => writeFileSync(kept, JSON.stringify({ ...storage.read(), [key]: value }));
  return {
    env: { USER_DATA_PATH: dirname(kept) },
    connectSocket,
    request: (asking) => void ask(asking),
    uploadFile,
    getStorageSync: (key) => storage.read()[key] ?? "",
    setStorageSync: set,
    removeStorageSync: (key) => set(key, undefined),
    getFileSystemManager: () => ({
      copyFileSync,
      unlink: ({ filePath }) => unlinkSync(filePath),
    }),
  };
}
