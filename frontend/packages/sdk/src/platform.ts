/** The few things that differ between a browser, Node, React Native and a mini-program; each can be replaced. */
import { surroundings, type Answer, type Fetch, type Line, type Shelf } from "./surroundings";

/** A file to be sent. `content` is what the platform's `upload` understands: a Blob or `{uri}` unless you replace it. */
export interface OutgoingFile {
  name: string;
  mime: string;
  content: unknown;
  /** Bytes, when known. */
  size?: number;
  /** Seconds of sound or film, when known. */
  duration?: number;
  /** Where the app itself can show it while it is on its way. */
  preview?: string;
}

export interface Upload {
  url: string;
  headers: Record<string, string>;
  file: OutgoingFile;
  /** Share done, 0 to 1; where the platform doesn't tell, it is never called. */
  progress: (share: number) => void;
}

export interface Platform {
  connect: (url: string) => Line;
  fetch: Fetch;
  /** Sends one file as the field `file` of a multipart form. */
  upload: (upload: Upload) => Promise<Answer>;
  storage: Shelf;
}

/** What these surroundings offer; `given` wins. What is missing is told when it is first needed. */
export function platform(given: Partial<Platform> = {}): Platform {
  return {
    connect: given.connect ?? webSocket,
    fetch: given.fetch ?? plainFetch,
    upload: given.upload ?? formUpload,
    storage: given.storage ?? lasting() ?? inMemory(),
  };
}

/** For tests and for apps that must not keep anything. */
export function inMemory(): Shelf {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

function webSocket(url: string): Line {
  if (!surroundings.WebSocket) throw new Error("There is no WebSocket here: pass platform.connect.");
  return new surroundings.WebSocket(url);
}

function plainFetch(url: string, asking: object): Promise<Answer> {
  if (!surroundings.fetch) throw new Error("There is no fetch here: pass platform.fetch.");
  return surroundings.fetch(url, asking);
}

function formUpload({ url, headers, file }: Upload): Promise<Answer> {
  if (!surroundings.FormData) throw new Error("There is no FormData here: pass platform.upload.");
  const form = new surroundings.FormData();
  const { content } = file;
  // React Native reads the file behind an address by itself.
  if (typeof content === "object" && content !== null && "uri" in content)
    form.append("file", { ...content, name: file.name, type: file.mime });
  else form.append("file", content, file.name);
  return plainFetch(url, { method: "POST", headers, body: form, credentials: "omit" });
}

/** The browser's storage where it exists and may be used. */
function lasting(): Shelf | null {
  try {
    const shelf = surroundings.localStorage;
    if (!shelf) return null;
    const probe = "switchboard:probe";
    shelf.setItem(probe, "1");
    shelf.removeItem(probe);
    return shelf;
  } catch {
    return null;
  }
}
