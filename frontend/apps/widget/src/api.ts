/** The few plain requests of the widget. */
import type { Config, ProfileField, Session, StoredFile, User } from "./wire";

export class RequestFailed extends Error {
  readonly status: number;
  readonly code: string;

  /** `status` 0: no answer came. `code`: the server's own name of the problem, or "". */
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Page {
  url: string;
  title: string;
  referrer: string;
}

const FIELDS: ProfileField[] = ["name", "email", "phone"];

const DEFAULTS: Config = {
  name: "",
  colour: "",
  greeting: { en: "", zh: "" },
  languages: [],
  online: true,
  offline_form: false,
  pre_chat: [],
  max_file_bytes: 20_000_000,
};

export class Api {
  private readonly root: string;
  private readonly base: string;

  /** `base`: the server's address with a final slash, from which the script itself came. */
  constructor(base: string, channel: string) {
    this.base = base;
    this.root = `${base}widget/${encodeURIComponent(channel)}/`;
  }

  get socketUrl(): string {
    return `${this.root}socket`.replace(/^http/, "ws");
  }

  /** Addresses in messages are relative to the server, not to the page that we are a guest of. */
  address(url: string): string {
    return /^(https?|blob):/.test(url) ? url : new URL(url, this.base).href;
  }

  async config(): Promise<Config> {
    const config = { ...DEFAULTS, ...(await request<Partial<Config>>(`${this.root}config`, {})) };
    // A field that this version cannot ask for is left out, the others still are.
    return { ...config, pre_chat: config.pre_chat.filter((field) => FIELDS.includes(field)) };
  }

  session(token: string | null, language: string, page: Page, user: User | null): Promise<Session> {
    const body = { visitor_token: token ?? undefined, language, page, user: user ?? undefined };
    return request<Session>(`${this.root}sessions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** XMLHttpRequest, because fetch does not tell how much has been sent. */
  upload(
    file: File,
    token: string,
    onProgress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<StoredFile> {
    return new Promise((resolve, reject) => {
      const http = new XMLHttpRequest();
      http.open("POST", `${this.root}files`);
      http.setRequestHeader("Authorization", `Bearer ${token}`);
      http.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      http.onload = () => {
        const answer = parse(http.responseText);
        if (http.status >= 200 && http.status < 300) resolve(answer as unknown as StoredFile);
        else reject(problem(http.status, answer));
      };
      http.onerror = () => reject(new RequestFailed(0, "offline", ""));
      http.onabort = () => reject(new RequestFailed(0, "aborted", ""));
      signal.addEventListener("abort", () => http.abort());
      const form = new FormData();
      form.append("file", file, file.name);
      http.send(form);
    });
  }
}

async function request<T>(url: string, options: RequestInit): Promise<T> {
  let response: Response;
  try {
    // Not the host page's cookies: the token is the only identity here.
    response = await fetch(url, { ...options, credentials: "omit" });
  } catch {
    throw new RequestFailed(0, "offline", "");
  }
  const answer = parse(await response.text());
  if (!response.ok) throw problem(response.status, answer);
  return answer as T;
}

function problem(status: number, answer: Record<string, unknown>): RequestFailed {
  const text = answer["detail"] ?? answer["title"];
  return new RequestFailed(status, String(answer["code"] ?? ""), typeof text === "string" ? text : "");
}

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}
