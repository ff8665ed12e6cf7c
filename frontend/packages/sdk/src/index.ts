/** Customer chat in your own app. See docs/how-to/app-sdk.md. */
export { Chat } from "./client";
export type { Conversation, Delivery, Entry, Outgoing } from "./conversation";
export type { ChatEvents, ChatOptions, Profile } from "./options";
export type * from "./parts";
export { inMemory, type OutgoingFile, type Platform, type Upload } from "./platform";
export { RequestFailed, type Device } from "./rest";
export type { Phase } from "./socket";
export type { Answer, Asking, Fetch, Line, Shelf } from "./surroundings";
export type { Agent, Config, Message } from "./wire";
