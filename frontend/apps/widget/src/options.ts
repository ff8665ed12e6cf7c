/** What the one line of script on the host page says. */
import type { Config, User } from "./wire";

export type Language = "en" | "zh";

export interface Options {
  channel: string;
  /** the server's address, with a final slash */
  base: string;
  /** as written on the page; null: follow the page and the browser */
  language: string | null;
  theme: "light" | "dark" | null;
  user: User | null;
  /** what the page says without proof */
  name: string | null;
  email: string | null;
  nonce: string;
}

/** Null when the tag names no channel. */
export function readOptions(tag: HTMLScriptElement): Options | null {
  const data = tag.dataset;
  if (!data["channel"] || !tag.src) return null;
  const theme = data["theme"];
  const name = data["name"] || null;
  const email = data["email"] || null;
  const user: User | null = data["userId"] ? { id: data["userId"] } : null;
  if (user) {
    if (data["userHmac"]) user.hmac = data["userHmac"];
    if (name) user.name = name;
    if (email) user.email = email;
  }
  return {
    channel: data["channel"],
    base: new URL(".", tag.src).href,
    language: data["lang"] || null,
    theme: theme === "light" || theme === "dark" ? theme : null,
    user,
    name,
    email,
    nonce: tag.nonce,
  };
}

/** The first wish that the channel speaks: the tag, the page, the browser. */
export function chooseLanguage(wishes: readonly (string | null)[], languages: Config["languages"]): Language {
  const spoken = languages.map(toLanguage);
  const allowed = (language: Language) => spoken.length === 0 || spoken.includes(language);
  for (const wish of wishes) {
    if (wish && /^(zh|en)\b/i.test(wish) && allowed(toLanguage(wish))) return toLanguage(wish);
  }
  return spoken[0] ?? "en";
}

function toLanguage(tag: string): Language {
  return /^zh/i.test(tag) ? "zh" : "en";
}
