/** Files on their way up, one after the other, so that pictures chosen together stay in their order. */
import type { FileRef } from "./parts";
import type { OutgoingFile } from "./platform";
import { RequestFailed } from "./rest";

export interface UploadEvents {
  send: (file: OutgoingFile, progress: (share: number) => void) => Promise<FileRef>;
  progress: (clientId: string, share: number) => void;
  done: (clientId: string, stored: FileRef) => void;
  failed: (clientId: string, code: string, message: string) => void;
}

export class Uploads {
  private readonly held = new Map<string, OutgoingFile>();
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly events: UploadEvents) {}

  holds(clientId: string): boolean {
    return this.held.has(clientId);
  }

  start(clientId: string, file: OutgoingFile): void {
    this.held.set(clientId, file);
    this.restart(clientId);
  }

  restart(clientId: string): void {
    this.queue = this.queue.then(() => this.run(clientId));
  }

  /** What is under way ends on its own and is not sent. */
  cancel(clientId: string): void {
    this.held.delete(clientId);
  }

  cancelAll(): void {
    this.held.clear();
  }

  private async run(clientId: string): Promise<void> {
    const file = this.held.get(clientId);
    if (!file) return;
    try {
      const stored = await this.events.send(file, (share) => this.events.progress(clientId, share));
      const duration = file.duration ?? stored.duration ?? null;
      if (this.held.delete(clientId)) this.events.done(clientId, { ...stored, duration });
    } catch (error) {
      if (!this.held.has(clientId)) return;
      const { code, message } = error instanceof RequestFailed ? error : { code: "", message: String(error) };
      this.events.failed(clientId, code, message);
    }
  }
}
