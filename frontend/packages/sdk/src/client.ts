/** A customer's chat in your app. It reads and calls nothing of the surroundings but what `platform` gives. */
import {
  EMPTY,
  lastPosition,
  reduce,
  timeline,
  unread,
  type Action,
  type Conversation,
  type Entry,
} from "./conversation";
import { Keep, NOBODY, type Kept } from "./keep";
import { Listeners } from "./listeners";
import { News } from "./news";
import type { ChatEvents, ChatOptions, Profile } from "./options";
import { draft, toWire } from "./outgoing";
import type { FileRef, MediaPart, Part } from "./parts";
import { platform, type OutgoingFile } from "./platform";
import { RequestFailed, Rest, type Device } from "./rest";
import { Sessions } from "./sessions";
import { Socket, type Phase } from "./socket";
import { after, cancel } from "./surroundings";
import { Uploads } from "./uploads";
import type { Config, ServerFrame } from "./wire";

const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 6_000;
const TRY_AGAIN_MS = 2_000;
const RECEIPT_MS = 50;

export class Chat {
  private readonly events = new Listeners<ChatEvents>();
  private readonly rest: Rest;
  private readonly keep: Keep;
  private readonly sessions: Sessions;
  private readonly socket: Socket;
  private readonly uploads: Uploads;
  private readonly news = new News();
  private conversation: Conversation = EMPTY;
  private wanted = false;
  private loaded = false;
  private loading: Promise<unknown> | null = null;
  private older: ((more: boolean) => void)[] = [];
  private typedAt = 0;
  private typingTimer: unknown;
  private receiptTimer: unknown;
  private againTimer: unknown;

  constructor(private readonly options: ChatOptions) {
    const given = platform(options.platform);
    this.rest = new Rest(options.server, options.channel, given);
    this.keep = new Keep(given.storage, `switchboard:${options.channel}`);
    this.sessions = new Sessions(this.rest, this.keep, options, {
      anotherPerson: (former) => this.anotherPerson(former),
      failed: (error) => this.fail(error),
    });
    this.uploads = new Uploads({
      send: async (file, progress) => {
        await this.load();
        return this.sessions.using((token) => this.rest.upload(token, file, progress));
      },
      progress: (client_id, progress) => this.dispatch({ type: "progress", client_id, progress }),
      done: (clientId, stored) => this.uploaded(clientId, stored),
      failed: (client_id, code, message) =>
        this.dispatch({ type: "fail", client_id, error: { code, message } }),
    });
    this.socket = new Socket({
      url: this.rest.socketUrl,
      dial: given.connect,
      authorise: () => this.sessions.authorise(),
      // With nothing in memory a whole page is wanted; what of it is news is found out here.
      after: () => (this.conversation.seen === 0 ? 0 : this.news.from(this.conversation)),
      onFrame: (frame) => this.receive(frame),
      onPhase: (phase) => this.enter(phase),
      onRefused: () => this.sessions.refused(),
    });
  }

  on<Name extends keyof ChatEvents>(name: Name, listener: (detail: ChatEvents[Name]) => void): () => void {
    return this.events.on(name, listener);
  }

  get state(): Conversation {
    return this.conversation;
  }

  /** The bubbles in order: filed messages, then what is on its way. */
  get timeline(): Entry[] {
    return timeline(this.conversation);
  }

  get unread(): number {
    return unread(this.conversation);
  }

  get phase(): Phase {
    return this.socket.phase;
  }

  /** How the company set the chat up: name, colour, greetings, whether anybody is there. */
  config(): Promise<Config> {
    return this.rest.config();
  }

  /** Where a file of a message can be fetched. */
  address(url: string): string {
    return this.rest.address(url);
  }

  /** Opens the line, and keeps it open. */
  async start(): Promise<void> {
    this.wanted = true;
    await this.load();
    if (!this.wanted) return;
    this.socket.start();
    this.socket.wake();
  }

  /** The app goes to the background: from now on the phone is woken by push instead. */
  stop(): void {
    this.wanted = false;
    this.socket.stop();
  }

  /** The network came back: do not sit out the delay. */
  wake(): void {
    this.socket.wake();
  }

  /** The user leaves: nothing of them stays here, and this phone is no longer woken for them. */
  async signOut(): Promise<void> {
    await this.load();
    this.stop();
    const former = this.keep.kept;
    this.sessions.close();
    this.uploads.cancelAll();
    this.keep.set(NOBODY);
    this.news.begin(0);
    this.dispatch({ type: "forget", keepOutbox: false });
    await this.noLongerWake(former);
    await this.keep.written();
  }

  /** Returns the message's id here; it is kept and sent again until the server has it. */
  sendText(text: string): string {
    return this.write([{ type: "text", text }]);
  }

  /** Presses a button of a message. */
  choose(id: string, title: string): string {
    return this.write([{ type: "choice", id, title }]);
  }

  sendImage(file: OutgoingFile): string {
    return this.send(file, "image");
  }

  /** A voice note recorded on the spot. */
  sendVoice(file: OutgoingFile): string {
    return this.send(file, "audio", { voice: true });
  }

  sendVideo(file: OutgoingFile): string {
    return this.send(file, "video");
  }

  sendFile(file: OutgoingFile): string {
    return this.send(file, "file");
  }

  /** Tries a failed message again. */
  retry(clientId: string): void {
    const state = this.uploads.holds(clientId) ? "uploading" : "waiting";
    this.dispatch({ type: "retry", client_id: clientId, state });
    if (state === "uploading") this.uploads.restart(clientId);
    else this.flush();
    this.socket.wake();
  }

  discard(clientId: string): void {
    this.uploads.cancel(clientId);
    this.dispatch({ type: "discard", client_id: clientId });
  }

  /** Call it at every keystroke; it says so every few seconds. */
  typing(): void {
    const now = Date.now();
    if (now - this.typedAt < TYPING_EVERY_MS) return;
    if (this.socket.send({ type: "typing" })) this.typedAt = now;
  }

  /** The user has seen everything down to the last message. */
  markRead(): void {
    const position = lastPosition(this.conversation);
    if (position <= this.conversation.readByVisitor) return;
    this.dispatch({ type: "read", position });
    this.socket.send({ type: "read", position });
  }

  /** Fetches an older page; tells whether there is more. False also without a line. */
  loadOlder(): Promise<boolean> {
    const first = this.conversation.messages[0];
    if (!first || !this.conversation.more) return Promise.resolve(false);
    if (this.older.length === 0 && !this.socket.send({ type: "history", before: first.position }))
      return Promise.resolve(false);
    return new Promise((resolve) => this.older.push(resolve));
  }

  /** What the user says of themself; agents see it as claimed. False without a line. */
  introduce(profile: Profile): boolean {
    return this.socket.send({ type: "profile", ...profile });
  }

  /** Lets this phone be woken when the app is closed. Call it at every start: tokens change. */
  async registerDevice(service: Device["service"], token: string): Promise<void> {
    await this.load();
    const language = this.options.language ?? "en";
    await this.sessions.using((visitor) => this.rest.register(visitor, { service, token, language }));
    this.keep.set({ device: token });
  }

  async unregisterDevice(): Promise<void> {
    await this.load();
    const { device } = this.keep.kept;
    if (device) await this.sessions.using((visitor) => this.rest.unregister(visitor, device));
    this.keep.set({ device: "" });
  }

  // -- within ----------------------------------------------------------------------------------------------------------

  private load(): Promise<unknown> {
    this.loading ??= this.keep.load().then((kept) => {
      this.loaded = true;
      this.news.begin(kept.seen);
      const here = this.conversation.outbox;
      const waiting = kept.outbox.filter((item) => !here.some((one) => one.client_id === item.client_id));
      this.show({ ...this.conversation, outbox: [...waiting, ...here] });
    });
    return this.loading;
  }

  /** Another person on this phone gets nothing of the former; an unknown visitor who signs in stays the same person. */
  private anotherPerson(former: Kept): void {
    this.news.begin(0);
    this.dispatch({ type: "forget", keepOutbox: !former.signedIn });
    void this.noLongerWake(former);
  }

  private async noLongerWake({ token, device }: Kept): Promise<void> {
    if (!token || !device) return;
    await this.rest.unregister(token, device).catch((error: unknown) => this.fail(error));
  }

  private enter(phase: Phase): void {
    if (phase !== "ready") this.pagesEnd(this.conversation.more);
    this.events.emit("phase", phase);
    if (phase === "ready") this.flush();
  }

  private receive(frame: ServerFrame): void {
    if (frame.type === "error") {
      this.refusal(frame);
      return;
    }
    const before = this.conversation;
    this.dispatch({ type: "frame", frame });
    const { tell, fetch } = this.news.take(frame, before, this.conversation);
    if (fetch) after(0, () => this.socket.send({ type: "history", before: fetch }));
    else if (frame.type === "history") this.pagesEnd(frame.more);
    for (const message of tell) this.events.emit("message", message);
    this.keepSeen();
    if (frame.type === "ready") this.reread(frame.read ?? 0);
    if (frame.type === "ready" || (frame.type === "message" && frame.message.direction === "out"))
      this.receipt();
    if (frame.type === "typing") {
      cancel(this.typingTimer);
      this.typingTimer = after(TYPING_SHOWN_MS, () => this.dispatch({ type: "typing over" }));
    }
  }

  private refusal(frame: Extract<ServerFrame, { type: "error" }>): void {
    if (frame.client_id && frame.code === "try_again") {
      cancel(this.againTimer);
      this.againTimer = after(TRY_AGAIN_MS, () => this.flush());
    } else if (frame.client_id) {
      this.dispatch({ type: "frame", frame });
    } else this.fail(new RequestFailed(0, frame.code, frame.message));
  }

  /** While a gap is open, a later run has to find it again. */
  private keepSeen(): void {
    const seen = this.news.from(this.conversation);
    if (seen > this.keep.kept.seen) this.keep.set({ seen });
  }

  /** What was read while the line was down. */
  private reread(known: number): void {
    const position = this.conversation.readByVisitor;
    if (position > known) after(0, () => this.socket.send({ type: "read", position }));
  }

  /** Says that messages have reached a living app: agents see it, and no phone is woken. A read mark says more. */
  private receipt(): void {
    cancel(this.receiptTimer);
    this.receiptTimer = after(RECEIPT_MS, () => {
      const position = lastPosition(this.conversation);
      if (this.unread > 0) this.socket.send({ type: "delivered", position });
    });
  }

  private pagesEnd(more: boolean): void {
    const waiting = this.older;
    this.older = [];
    for (const resolve of waiting) resolve(more);
  }

  private write(parts: Part[]): string {
    const outgoing = draft(parts);
    this.dispatch({ type: "write", outgoing });
    this.typedAt = 0;
    this.flush([outgoing.client_id]);
    // Also asks an open line whether it still lives: a dead one is noticed now and not at the next heartbeat.
    this.socket.wake();
    return outgoing.client_id;
  }

  private send(file: OutgoingFile, type: MediaPart["type"], more: Partial<MediaPart> = {}): string {
    const { name, mime, size, preview, duration } = file;
    const shown = { id: "", name, mime, size: size ?? 0, url: preview ?? "", duration: duration ?? null };
    const part: MediaPart = { type, file: shown, state: "stored", ...more };
    const outgoing = { ...draft([part]), state: "uploading" as const, progress: 0 };
    this.dispatch({ type: "write", outgoing });
    this.uploads.start(outgoing.client_id, file);
    return outgoing.client_id;
  }

  private uploaded(clientId: string, stored: FileRef): void {
    const [part] = this.conversation.outbox.find((item) => item.client_id === clientId)?.parts ?? [];
    if (!part || !("file" in part)) return;
    this.dispatch({ type: "uploaded", client_id: clientId, parts: [{ ...part, file: stored }] });
    this.flush([clientId]);
  }

  /** Puts waiting messages on the line in the order of the outbox; the server knows repeats by their client_id. */
  private flush(clientIds?: string[]): void {
    for (const item of this.conversation.outbox) {
      if (item.state !== "waiting" || (clientIds && !clientIds.includes(item.client_id))) continue;
      const parts = item.parts.flatMap(toWire);
      if (!this.socket.send({ type: "message", client_id: item.client_id, parts, at: item.at })) return;
    }
  }

  private dispatch(action: Action): void {
    this.show(reduce(this.conversation, action));
  }

  private show(now: Conversation): void {
    const before = this.conversation;
    if (now === before) return;
    this.conversation = now;
    // What was kept by an earlier run must be read before it is written over.
    if (this.loaded && now.outbox !== before.outbox) this.keep.setOutbox(now.outbox);
    this.events.emit("change", now);
    if (unread(now) !== unread(before)) this.events.emit("unread", unread(now));
    if (now.typing !== before.typing) this.events.emit("typing", now.typing);
    if (now.agent?.name !== before.agent?.name) this.events.emit("agent", now.agent);
  }

  private fail(error: unknown): void {
    this.events.emit("error", error instanceof Error ? error : new Error(String(error)));
  }
}
