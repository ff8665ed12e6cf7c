/**
 * A customer's app without a screen, around the built SDK. It reads one command of JSON a line, answers each,
 * and tells what it hears: `{nr, value | error}`, `{event, detail}`, `{ask}` for a token of the host.
 *
 *     node app.mjs '{"sdk", "server", "site", "kept": a file that outlives the app, "stranger": nobody vouches for them,
 *         "mini": the platform of the mini-program's sample}'
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { weixin } from "./wx.mjs";

const { sdk, server, site, kept, stranger, mini } = JSON.parse(process.argv[2]);
const { Chat } = await import(pathToFileURL(sdk).href);
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Node has no storage of its own; this one is slow, as a phone's. */
const storage = {
  read() {
    try {
      return JSON.parse(readFileSync(kept, "utf8"));
    } catch {
      return {};
    }
  },
  getItem: async (key) => storage.read()[key] ?? null,
  async setItem(key, value) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    writeFileSync(kept, JSON.stringify({ ...storage.read(), [key]: value }));
  },
  removeItem: async (key) => writeFileSync(kept, JSON.stringify({ ...storage.read(), [key]: undefined })),
};

/** The next hello shows a token that no server knows. */
let spoilt = false;
function connect(url) {
  const socket = new WebSocket(url);
  const send = socket.send.bind(socket);
  socket.send = (text) => {
    const frame = JSON.parse(text);
    if (frame.type === "hello" && spoilt) frame.token = "x".repeat(60);
    if (frame.type === "hello") spoilt = false;
    send(JSON.stringify(frame));
  };
  return socket;
}

const tokens = [];
function hostToken() {
  tell({ ask: "token" });
  return new Promise((resolve) => tokens.push(resolve));
}

async function miniProgram() {
  globalThis.wx = weixin(kept);
  return (await import(pathToFileURL(mini).href)).platform;
}

const chat = new Chat({
  server,
  channel: site,
  language: "en",
  hostToken: stranger ? undefined : hostToken,
  platform: mini ? await miniProgram() : { storage, connect },
});
for (const name of ["change", "message", "unread", "typing", "agent", "phase"])
  chat.on(name, (detail) => tell({ event: name, detail: name === "change" ? null : detail }));
chat.on("error", (error) => tell({ event: "error", detail: { status: error.status, message: error.message } }));

/** As the surroundings want it: bytes, or in a mini-program a temporary path. */
function file({ base64, ...known }) {
  const bytes = Buffer.from(base64, "base64");
  if (!mini) return { ...known, content: new Blob([bytes], { type: known.mime }) };
  const content = `${kept}.tmp`;
  writeFileSync(content, bytes);
  return { ...known, content };
}
const more = {
  token: (value) => tokens.shift()?.(value),
  spoil: () => void (spoilt = true),
  look: () => ({ timeline: chat.timeline, unread: chat.unread, phase: chat.phase, state: chat.state }),
  send: (how, given) => chat[how](file(given)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { nr, call, given } = JSON.parse(line);
  const work = more[call] ? more[call](...given) : chat[call](...given);
  Promise.resolve(work).then(
    (value) => tell({ nr, value }),
    (error) => tell({ nr, error: String(error) }),
  );
}
process.exit(0);
