// The control API.
import { toast } from "./dom.js";

export async function call(method, path, body) {
  const options = { method };
  if (body instanceof Blob) options.body = body;
  else if (body !== undefined)
    Object.assign(options, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  const answer = await fetch(path, options);
  const value = await answer.json();
  if (!answer.ok) {
    toast(value.error);
    throw new Error(value.error);
  }
  return value;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);

export async function upload(file, name) {
  const { key } = await call("POST", `/sandbox/media?name=${encodeURIComponent(name)}`, file);
  return key;
}

export function listen(heard, connected) {
  const source = new EventSource("/sandbox/events");
  source.onmessage = (event) => heard(JSON.parse(event.data));
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
}
