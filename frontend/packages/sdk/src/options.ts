/** What an app gives to a chat, and what it may listen to. */
import type { Conversation } from "./conversation";
import type { Platform } from "./platform";
import type { Phase } from "./socket";
import type { Agent, Message } from "./wire";

export interface ChatOptions {
  /** The installation's address, as https://contact.example. */
  server: string;
  /** The site key of the channel. */
  channel: string;
  /** Fetches a short-lived token for the app's user from your own server; left out: an unknown visitor. */
  hostToken?: () => Promise<string>;
  /** The app's language; the server's greetings and notifications follow it. */
  language?: "en" | "zh";
  platform?: Partial<Platform>;
}

export interface ChatEvents {
  /** Anything that a screen shows may have changed: draw `timeline` anew. */
  change: Conversation;
  /** A new message of the company's: each once, in order, also those that were missed. */
  message: Message;
  unread: number;
  /** Somebody of the company is typing; null when no more. */
  typing: string | null;
  agent: Agent | null;
  phase: Phase;
  /** What belongs to no message: signing in failed, the server said something. */
  error: Error;
}

export interface Profile {
  name?: string;
  email?: string;
  phone?: string;
}
