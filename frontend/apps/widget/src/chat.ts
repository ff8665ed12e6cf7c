/** Joins the pure conversation with the socket, the uploads and what the browser keeps. The screen only reads and calls. */
import { Api, RequestFailed } from "./api";
import {
  EMPTY,
  Listeners,
  Socket,
  draft,
  lastPosition,
  reduce,
  retryDelay,
  toWire,
  unread,
  type Action,
  type Conversation,
  type Phase,
} from "@switchboard/sdk/engine";
import type { Events } from "./events";
import type { Language, Options } from "./options";
import { Keep } from "./storage";
import { Uploads } from "./uploads";
import type { Config, Part, Profile, ServerFrame, User } from "./wire";

const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 6_000;
const NOTICE_MS = 6_000;

export interface View {
  config: Config | null;
  phase: Phase;
  conversation: Conversation;
  unread: number;
  loadingOlder: boolean;
  profile: Profile;
  introduced: boolean;
  /** a sentence of the server that belongs to no message */
  notice: string | null;
}

export class Chat {
  view: View;
  readonly api: Api;
  readonly events = new Listeners<Events>();
  private readonly keep: Keep;
  private readonly socket: Socket;
  private readonly uploads: Uploads;
  private readonly watchers = new Set<() => void>();
  private language: Language = "en";
  private user: User | null;
  private session: Promise<string> | null = null;
  private typedAt = 0;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;
  private page = "";

  constructor(options: Options) {
    this.api = new Api(options.base, options.channel);
    this.keep = new Keep(options.channel);
    this.user = options.user;
    this.forgetOthers(options.user);
    this.uploads = new Uploads(this.api, {
      token: () => this.authorise(),
      progress: (client_id, progress) => this.dispatch({ type: "progress", client_id, progress }),
      done: (client_id, part) => this.uploaded(client_id, part),
      failed: (client_id, code, message) =>
        this.dispatch({ type: "fail", client_id, error: { code, message } }),
    });
    this.socket = new Socket({
      url: this.api.socketUrl,
      dial: (url) => new WebSocket(url),
      authorise: () => this.authorise(),
      after: () => this.view.conversation.seen,
      onFrame: (frame) => this.receive(frame),
      onPhase: (phase) => this.enter(phase),
      onRefused: () => this.refused(),
    });
    const visitor = this.keep.visitor();
    const profile = { ...visitor.profile, ...claims(options) };
    this.view = {
      config: null,
      phase: "off",
      conversation: { ...EMPTY, readByVisitor: visitor.read, outbox: this.keep.outbox() },
      unread: 0,
      loadingOlder: false,
      profile,
      introduced: visitor.introduced || options.user !== null,
      notice: null,
    };
  }

  /** Fetches what the channel looks like; a visitor who has talked to us before is connected at once. */
  async boot(): Promise<Config> {
    const config = await this.loadConfig();
    this.show({ config, conversation: { ...this.view.conversation, online: config.online } });
    if (this.keep.visitor().token || this.user) this.socket.start();
    return config;
  }

  setLanguage(language: Language): void {
    this.language = language;
  }

  connect(): void {
    this.socket.start();
    this.socket.wake();
  }

  disconnect(): void {
    this.socket.stop();
  }

  /** After the page slept: takes the line up again if there was one. */
  resume(): void {
    if (this.keep.visitor().token) this.connect();
  }

  get wasOpen(): boolean {
    return this.keep.isOpen();
  }

  setOpen(open: boolean): void {
    this.keep.setOpen(open);
    if (open) this.connect();
    this.events.emit(open ? "open" : "close", undefined);
  }

  sendText(text: string): void {
    const trimmed = text.trim();
    if (trimmed) this.write([{ type: "text", text: trimmed }]);
  }

  choose(id: string, title: string): void {
    this.write([{ type: "choice", id, title }]);
  }

  sendFile(file: File): void {
    const outgoing = { ...draft([this.uploads.preview(file)]), state: "uploading" as const, progress: 0 };
    this.dispatch({ type: "write", outgoing });
    this.uploads.start(outgoing.client_id, file);
  }

  retry(clientId: string): void {
    const state = this.uploads.holds(clientId) ? "uploading" : "waiting";
    this.dispatch({ type: "retry", client_id: clientId, state });
    if (state === "uploading") this.uploads.restart(clientId);
    else this.flush([clientId]);
    this.connect();
  }

  discard(clientId: string): void {
    this.uploads.cancel(clientId);
    this.dispatch({ type: "discard", client_id: clientId });
  }

  typing(): void {
    const now = Date.now();
    if (now - this.typedAt < TYPING_EVERY_MS) return;
    if (this.socket.send({ type: "typing" })) this.typedAt = now;
  }

  /** The visitor has seen everything down to the last message. */
  markRead(): void {
    const position = lastPosition(this.view.conversation);
    if (position <= this.view.conversation.readByVisitor) return;
    this.dispatch({ type: "read", position });
    this.keep.setVisitor({ read: position });
    this.socket.send({ type: "read", position });
  }

  loadOlder(): void {
    const { conversation, loadingOlder } = this.view;
    const first = conversation.messages[0];
    if (!first || !conversation.more || loadingOlder) return;
    if (this.socket.send({ type: "history", before: first.position })) this.show({ loadingOlder: true });
  }

  introduce(change: Profile): void {
    const profile = { ...this.view.profile, ...change };
    this.keep.setVisitor({ profile, introduced: true });
    this.show({ profile, introduced: true });
    this.sendProfile();
  }

  /** Another person, or null for nobody: what the former one said leaves this browser. */
  setUser(user: User | null): void {
    const former = this.keep.visitor().user;
    this.user = user;
    this.forgetOthers(user);
    this.session = null;
    const same = former === null || former === user?.id;
    const profile = same ? this.view.profile : {};
    this.show({ profile, introduced: user !== null || (same && this.view.introduced) });
    if (!same) this.dispatch({ type: "forget", keepOutbox: false });
    if (this.socket.phase === "off") return;
    this.socket.stop();
    this.socket.start();
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  notice(text: string): void {
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => this.show({ notice: null }), NOTICE_MS);
    this.show({ notice: text });
  }

  /** Tells the agents which page is being looked at, once per page. */
  lookAt(url: string, title: string): void {
    if (url !== this.page && this.socket.send({ type: "page", url, title })) this.page = url;
  }

  private async loadConfig(): Promise<Config> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.api.config();
      } catch (error) {
        if (error instanceof RequestFailed && error.status >= 400 && error.status < 500) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryDelay(attempt + 1, Math.random())));
      }
    }
  }

  /** One session request at a time; its token serves the socket and the uploads. */
  private authorise(): Promise<string> {
    this.session ??= this.openSession().catch((error: unknown) => {
      this.session = null;
      throw error;
    });
    return this.session;
  }

  private async openSession(): Promise<string> {
    const held = this.keep.visitor();
    const page = { url: location.href, title: document.title, referrer: document.referrer };
    const session = await this.newSession(held.token, page);
    this.page = page.url;
    if (held.token !== null && held.token !== session.visitor_token) {
      // Another visitor than before: its history is not this one's, but what waits here was still meant to be sent.
      this.dispatch({ type: "forget", keepOutbox: true });
      this.keep.setVisitor({ read: 0 });
    }
    this.keep.setVisitor({ token: session.visitor_token, user: this.user?.id ?? null });
    return session.visitor_token;
  }

  private async newSession(token: string | null, page: Parameters<Api["session"]>[2]) {
    try {
      return await this.api.session(token, this.language, page, this.user);
    } catch (error) {
      const unknown = error instanceof RequestFailed && (error.status === 401 || error.status === 404);
      if (!unknown || token === null) throw error;
      return this.api.session(null, this.language, page, this.user);
    }
  }

  /** The server has lost or withdrawn the token. */
  private refused(): void {
    this.session = null;
    this.keep.setVisitor({ token: null, read: 0 });
    this.dispatch({ type: "forget", keepOutbox: true });
  }

  private forgetOthers(user: User | null): void {
    const former = this.keep.visitor().user;
    if (former !== null && former !== user?.id) this.keep.forget();
  }

  private enter(phase: Phase): void {
    this.show({ phase, loadingOlder: false });
    if (phase !== "ready") return;
    this.sendProfile();
    const { readByVisitor, outbox } = this.view.conversation;
    if (readByVisitor > 0) this.socket.send({ type: "read", position: readByVisitor });
    this.arrived();
    this.flush(outbox.map((item) => item.client_id));
    this.lookAt(location.href, document.title);
    this.events.emit("ready", { online: this.view.conversation.online });
  }

  private receive(frame: ServerFrame): void {
    if (frame.type === "error" && !frame.client_id) {
      this.notice(frame.message);
      return;
    }
    const known = this.view.conversation.messages;
    if (frame.type === "history") this.show({ loadingOlder: false });
    this.dispatch({ type: "frame", frame });
    if (frame.type === "message" && frame.message.direction === "out") {
      if (!known.some((message) => message.id === frame.message.id))
        this.events.emit("message", frame.message);
      this.arrived();
    }
    if (frame.type === "typing") {
      clearTimeout(this.typingTimer);
      this.typingTimer = setTimeout(() => this.dispatch({ type: "typing over" }), TYPING_SHOWN_MS);
    }
  }

  /** An open page has the messages: no phone of the same person is woken. */
  private arrived(): void {
    const { conversation, unread } = this.view;
    if (unread > 0) this.socket.send({ type: "delivered", position: lastPosition(conversation) });
  }

  private write(parts: Part[]): void {
    const outgoing = draft(parts);
    this.dispatch({ type: "write", outgoing });
    this.typedAt = 0;
    this.flush([outgoing.client_id]);
    // Also asks an open line whether it still lives: a dead one is noticed now and not at the next heartbeat.
    this.connect();
  }

  private uploaded(clientId: string, part: Part): void {
    this.dispatch({ type: "uploaded", client_id: clientId, parts: [part] });
    this.flush([clientId]);
  }

  /** Puts waiting messages on the line in the order of the outbox; the server knows repeats by their client_id. */
  private flush(clientIds: string[]): void {
    for (const item of this.view.conversation.outbox) {
      if (item.state !== "waiting" || !clientIds.includes(item.client_id)) continue;
      const parts = item.parts.flatMap(toWire);
      if (!this.socket.send({ type: "message", client_id: item.client_id, parts })) return;
    }
  }

  private sendProfile(): void {
    const { profile } = this.view;
    if (Object.keys(profile).length > 0) this.socket.send({ type: "profile", ...profile });
  }

  private dispatch(action: Action): void {
    const before = this.view.conversation;
    const conversation = reduce(before, action);
    if (conversation === before) return;
    this.keep.followOutbox(before.outbox, conversation.outbox);
    const count = unread(conversation);
    const changed = count !== this.view.unread;
    this.show({ conversation, unread: count });
    if (changed) this.events.emit("unread", count);
  }

  private show(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    for (const watcher of this.watchers) watcher();
  }
}

function claims(options: Options): Profile {
  const profile: Profile = {};
  if (options.name) profile.name = options.name;
  if (options.email) profile.email = options.email;
  return profile;
}
