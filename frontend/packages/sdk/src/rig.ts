/** A chat without surroundings, for tests: a scripted server, a storage in memory, and what was asked of them. */
import { vi } from "vitest";
import { Chat } from "./client";
import { FakeSocket } from "./fake_socket";
import type { ChatOptions } from "./options";
import { inMemory, type OutgoingFile, type Upload } from "./platform";
import type { Answer, Asking, Shelf } from "./surroundings";
import type { Message } from "./wire";

interface Asked extends Asking {
  url: string;
}

interface Rig {
  asked: Asked[];
  uploads: Upload[];
  /** Whom the server takes the next session for. */
  visitor: string;
  storage: Shelf;
  /** The status that an address answers, by its last word; 0: no network. */
  refuse: Record<string, number>;
  /** Ids of the messages that the app was told of. */
  told: string[];
}

export const rig = {} as Rig;

export function fresh(): void {
  FakeSocket.all = [];
  Object.assign(rig, { asked: [], uploads: [], told: [], refuse: {}, visitor: "v1", storage: inMemory() });
}

const answer = (status: number, body: object): Answer => ({
  status,
  text: () => Promise.resolve(JSON.stringify(body)),
});

function fakeFetch(url: string, asking: Asking): Promise<Answer> {
  rig.asked.push({ url, ...asking });
  const what = url.split("/").pop() ?? "";
  const status = rig.refuse[what];
  if (status === 0) return Promise.reject(new Error("no network"));
  if (status) return Promise.resolve(answer(status, { code: "no", detail: "Refused." }));
  if (what === "sessions")
    return Promise.resolve(
      answer(201, { visitor_token: `token of ${rig.visitor}`, visitor: { id: rig.visitor } }),
    );
  return Promise.resolve(answer(204, {}));
}

function fakeUpload(upload: Upload): Promise<Answer> {
  rig.uploads.push(upload);
  if (rig.refuse["files"]) return Promise.resolve(answer(rig.refuse["files"], { detail: "Too large." }));
  upload.progress(0.5);
  const { name, mime } = upload.file;
  return Promise.resolve(answer(201, { id: `f-${name}`, name, mime, size: 3, url: `/files/${name}` }));
}

export function chat(options: Partial<ChatOptions> = {}): Chat {
  const made = new Chat({
    server: "https://contact.example/",
    channel: "site",
    platform: {
      connect: (url) => new FakeSocket(url),
      fetch: fakeFetch,
      upload: fakeUpload,
      storage: rig.storage,
    },
    ...options,
  });
  made.on("message", (message) => rig.told.push(message.id));
  return made;
}

export const settle = () => vi.advanceTimersByTimeAsync(1);

export async function connected(
  options: Partial<ChatOptions> = {},
  history: Message[] = [],
  more = false,
): Promise<Chat> {
  const made = chat(options);
  await made.start();
  await settle();
  FakeSocket.last.open();
  FakeSocket.last.ready(history, more);
  await settle();
  return made;
}

/** The line breaks and comes back with what the server has now. */
export async function again(history: Message[], more = false): Promise<void> {
  FakeSocket.last.die();
  await vi.advanceTimersByTimeAsync(31_000);
  FakeSocket.last.open();
  FakeSocket.last.ready(history, more);
  await settle();
}

export function message(position: number, change: Partial<Message> = {}): Message {
  return {
    id: `m${position}`,
    position,
    direction: "out",
    author: { name: "Ann" },
    parts: [{ type: "text", text: `text ${position}` }],
    at: "2026-11-20T08:00:00Z",
    client_id: null,
    edited_at: null,
    recalled_at: null,
    ...change,
  };
}

export const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => message(from + n));
export const give = (one: Message) => FakeSocket.last.give({ type: "message", message: one });
export const picture: OutgoingFile = { name: "cat.png", mime: "image/png", content: "bytes" };
