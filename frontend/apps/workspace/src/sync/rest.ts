/** The one door to the REST API: cookie session, CSRF header, problem documents. */
import type { Conversation, Problem } from "@switchboard/protocol";
import i18next from "i18next";

/** Common refusals in the reader's language; what is particular comes in the server's or the platform's own words. */
function wordsOf(problem: Problem): string {
  const known = `problems.${problem.code}`;
  return problem.code && i18next.exists(known) ? i18next.t(known) : problem.detail || problem.title;
}

export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    /** Of a 409: the conversation as it is now. */
    readonly current: Conversation | null,
    /** Seconds, of a 429. */
    readonly retryAfter: number | null,
  ) {
    super(wordsOf(problem));
  }
  get status(): number {
    return this.problem.status;
  }
  get code(): string {
    return this.problem.code ?? "";
  }
}

/** No answer came: the network or the server is away; the request may or may not have happened. */
export class NoAnswer extends Error {}

type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  form?: FormData;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

let csrf = "";
let onSignedOut: () => void = () => undefined;

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called when the server no longer knows this session. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

function address(path: string, query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  const known =
    body !== null && typeof body === "object" ? (body as Problem & { current?: Conversation }) : null;
  const problem: Problem = {
    title: response.statusText || `HTTP ${response.status}`,
    ...known,
    status: response.status,
  };
  const after = Number(response.headers.get("Retry-After"));
  return new ProblemError(
    problem,
    known?.current ?? null,
    Number.isFinite(after) && after > 0 ? after : null,
  );
}

export async function rest<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  const body = options.form ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new NoAnswer("no answer");
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && !path.startsWith("/sessions") && !path.startsWith("/invitations"))
      onSignedOut();
    throw problem;
  }
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  rest<T>("GET", path, { query, signal });
export const post = <T>(path: string, body: unknown = {}, idempotencyKey: string = crypto.randomUUID()) =>
  rest<T>("POST", path, { body, idempotencyKey });
export const patch = <T>(path: string, body: unknown) => rest<T>("PATCH", path, { body });
export const put = <T>(path: string, body: unknown) => rest<T>("PUT", path, { body });
export const del = (path: string) => rest<undefined>("DELETE", path);
