/** Bridge from the generated description of the REST API to the names that the screens use. */
import type { components } from "./generated";

export type Schemas = components["schemas"];

/**
 * A generated shape with some fields told more exactly than the description does: it calls every closed list of
 * words just `string`. A field that is not there, or whose type does not fit, does not compile.
 */
export type Exactly<S, F extends { [K in keyof F]: K extends keyof S ? S[K] : never }> = Omit<S, keyof F> & F;
