/**
 * The company's own server of this sample: the built page, and tokens for whoever is signed in.
 *
 *     SERVER=https://contact.example CHANNEL=… SECRET=… USER_ID=customer-42 USER_NAME="Lena Park" node server.mjs
 */
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const {
  SERVER,
  CHANNEL,
  SECRET,
  USER_ID = "customer-42",
  USER_NAME = "Lena Park",
  PORT = "8090",
} = process.env;
if (!SERVER || !CHANNEL || !SECRET)
  throw new Error("Set SERVER, CHANNEL (site key) and SECRET (identity secret).");

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function chatToken(userId, known) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${b64({ alg: "HS256", typ: "JWT" })}.${b64({ ...known, sub: userId, aud: CHANNEL, iat: now, exp: now + 300 })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

async function answer(request, response) {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/setup") return response.end(JSON.stringify({ server: SERVER, channel: CHANNEL }));
  // In your shop: only for a session that is signed in, and only for its own user.
  if (path === "/chat-token" && request.method === "POST")
    return response.end(chatToken(USER_ID, { name: USER_NAME }));
  const name = path === "/" ? "/index.html" : path;
  if (!/^\/(index\.html|assets\/[\w-]+\.\w+)$/.test(name)) return response.writeHead(404).end();
  const body = await readFile(new URL(`dist${name}`, import.meta.url));
  return response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "text/plain" }).end(body);
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.writeHead(500).end());
});
server.listen(Number(PORT), "127.0.0.1", () =>
  process.stdout.write(`Open http://127.0.0.1:${server.address().port}\n`),
);
