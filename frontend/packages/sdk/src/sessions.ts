/** Who the visitor is to the server: one session request at a time, whose token serves the socket, uploads and devices. */
import type { Keep, Kept } from "./keep";
import type { ChatOptions } from "./options";
import { RequestFailed, type Rest } from "./rest";

export interface SessionEvents {
  /** Somebody else uses this phone now; `former` is what was kept of whoever did before. */
  anotherPerson: (former: Kept) => void;
  failed: (error: unknown) => void;
}

export class Sessions {
  private session: Promise<string> | null = null;
  /** Grows with every end, so that an answer that comes later is not kept. */
  private round = 0;

  constructor(
    private readonly rest: Rest,
    private readonly keep: Keep,
    private readonly options: Pick<ChatOptions, "hostToken" | "language">,
    private readonly events: SessionEvents,
  ) {}

  /** Returns the visitor's token. */
  authorise(): Promise<string> {
    this.session ??= this.open().catch((error: unknown) => {
      this.session = null;
      this.events.failed(error);
      throw error;
    });
    return this.session;
  }

  /** Does something by the visitor's token; one that the server no longer knows is renewed once. */
  async using<Result>(work: (token: string) => Promise<Result>): Promise<Result> {
    const token = await this.authorise();
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.status !== 401) throw error;
      // Unless somebody else has renewed it meanwhile.
      if (token === this.keep.kept.token) this.refused();
      return work(await this.authorise());
    }
  }

  /** The next call asks anew. */
  close(): void {
    this.session = null;
    this.round += 1;
  }

  /** The server has lost or withdrawn the token. */
  refused(): void {
    this.session = null;
    this.keep.set({ token: "" });
  }

  private async open(): Promise<string> {
    const { hostToken, language } = this.options;
    const round = this.round;
    const user = hostToken ? { user: { token: await hostToken() } } : {};
    const held = this.keep.kept;
    const token = held.token ? { visitor_token: held.token } : {};
    const session = await this.rest.session({ ...token, language: language ?? "en", ...user });
    if (round !== this.round) return session.visitor_token;
    const { id } = session.visitor;
    if (held.visitor && held.visitor !== id) {
      this.events.anotherPerson(held);
      this.keep.set({ seen: 0, device: "" });
    }
    this.keep.set({ token: session.visitor_token, visitor: id, signedIn: hostToken !== undefined });
    return session.visitor_token;
  }
}
