/**
 * Shapes of the REST API and the live stream, as they travel: snake_case names,
 * identifiers are UUID strings, times are ISO 8601 in UTC. `generated.ts` is written from the API's own description
 * by `npm run generate`; the names here are aliases of it. Parts and frames, which that description does
 * not tell, are written by hand. What a visitor's client hears and says stands in the SDK.
 */
export type { Schemas } from "./schemas";
export * from "./parts";
export * from "./people";
export * from "./channels";
export * from "./conversations";
export * from "./stream";

export type Id = string;
/** For example `2026-11-20T08:00:00Z`. */
export type Instant = string;

/** One page of a list; `next` is an opaque cursor, null on the last page. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface FieldProblem {
  /** Path of the field, for example `config.phone`. */
  field: string;
  message: string;
}

/** RFC 9457 problem document. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errors?: FieldProblem[];
}

export type Bilingual = { en: string; zh: string };
