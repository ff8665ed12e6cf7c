/** What a message is made of: the same words in the API, in the live stream and in the SDK, which defines them. */
import type { Schemas } from "./schemas";

export type * from "@switchboard/sdk/parts";

/** A part as a client sends it: media name a file that was uploaded before. */
export type OutgoingPart = Schemas["NewMessage"]["parts"][number];

/** What an upload answers; a `remark` when the content is not what the name says. */
export type StoredFile = Schemas["StoredFile"];
