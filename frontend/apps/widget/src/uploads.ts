/** Files on their way up, one after the other, so that pictures chosen together stay in their order. */
import { RequestFailed, type Api } from "./api";
import type { MediaPart, StoredFile } from "./wire";

export interface UploadEvents {
  token: () => Promise<string>;
  progress: (clientId: string, share: number) => void;
  done: (clientId: string, part: MediaPart) => void;
  failed: (clientId: string, code: string, message: string) => void;
}

interface Upload {
  file: File;
  abort: AbortController;
}

/** What every browser can draw; other pictures travel as files. */
const DRAWABLE = /^image\/(png|jpe?g|gif|webp)$/;

export class Uploads {
  private readonly held = new Map<string, Upload>();
  private readonly previews = new Map<File, string>();
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: Api,
    private readonly events: UploadEvents,
  ) {}

  /** The part as it looks here while it has no id on the server. */
  preview(file: File): MediaPart {
    const url = DRAWABLE.test(file.type) ? URL.createObjectURL(file) : "";
    if (url) this.previews.set(file, url);
    return toPart({ id: "", name: file.name, mime: file.type, size: file.size, url });
  }

  holds(clientId: string): boolean {
    return this.held.has(clientId);
  }

  start(clientId: string, file: File): void {
    this.held.set(clientId, { file, abort: new AbortController() });
    this.restart(clientId);
  }

  restart(clientId: string): void {
    this.queue = this.queue.then(() => this.run(clientId));
  }

  cancel(clientId: string): void {
    this.held.get(clientId)?.abort.abort();
    this.release(clientId);
  }

  /** Uploaded or dropped: the server's own address replaces the copy in memory. */
  release(clientId: string): void {
    const file = this.held.get(clientId)?.file;
    this.held.delete(clientId);
    const url = file && this.previews.get(file);
    if (!file || !url) return;
    this.previews.delete(file);
    // The bubble may be drawn once more before the next frame.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  private async run(clientId: string): Promise<void> {
    const upload = this.held.get(clientId);
    if (!upload) return;
    try {
      const stored = await this.api.upload(
        upload.file,
        await this.events.token(),
        (share) => this.events.progress(clientId, share),
        upload.abort.signal,
      );
      if (!this.held.has(clientId)) return;
      this.release(clientId);
      this.events.done(clientId, toPart(stored));
    } catch (error) {
      if (!this.held.has(clientId)) return;
      const known = error instanceof RequestFailed;
      this.events.failed(clientId, known ? error.code : "", known ? error.message : "");
    }
  }
}

function toPart(file: StoredFile): MediaPart {
  return { type: DRAWABLE.test(file.mime) ? "image" : "file", file, state: "stored" };
}
