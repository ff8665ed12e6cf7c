/** What the site widget shares with apps: the pure conversation, the lasting socket, the words between us and the server. */
export * from "./conversation";
export * from "./listeners";
export * from "./outgoing";
export * from "./parts";
export * from "./socket";
export * from "./wire";
