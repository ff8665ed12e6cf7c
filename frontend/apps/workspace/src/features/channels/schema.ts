/** A channel's JSON Schema read as a flat list of form fields. */
import type { ConfigSchema } from "@switchboard/protocol";

export interface Field {
  /** Names from the outside in: `["imap", "host"]`. */
  path: string[];
  type: "text" | "secret" | "long" | "number" | "switch" | "choice" | "list";
  title: { en: string; zh: string };
  description: { en: string; zh: string };
  required: boolean;
  /** Title of the object that the field stands in. */
  group: { en: string; zh: string } | null;
  options: (string | number)[];
  initial: unknown;
  /** Made by the server: not asked when connecting. */
  generated: boolean;
  schema: ConfigSchema;
}

const words = (name: string) => {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** Follows a reference and takes "this or null" as "this". */
export function resolve(schema: ConfigSchema, root: ConfigSchema): ConfigSchema {
  if (schema.$ref) {
    const target = root.$defs?.[schema.$ref.split("/").at(-1) ?? ""] ?? {};
    return resolve({ ...target, ...schema, $ref: target.$ref }, root);
  }
  const real = schema.anyOf?.filter((s) => s.type !== "null");
  if (real && real.length === 1 && real[0]) {
    return resolve({ ...real[0], ...schema, $ref: real[0].$ref, anyOf: real[0].anyOf }, root);
  }
  return schema;
}

function typeOf(schema: ConfigSchema): Field["type"] {
  const types = [schema.type].flat();
  if (schema["x-secret"]) return "secret";
  if (schema.enum) return "choice";
  if (types.includes("boolean")) return "switch";
  if (types.includes("integer") || types.includes("number")) return "number";
  if (types.includes("array")) return "list";
  return (schema["x-lines"] ?? 1) > 1 || (schema.maxLength ?? 0) >= 300 ? "long" : "text";
}

export function fieldsOf(root: ConfigSchema): Field[] {
  return walk(resolve(root, root), root, [], null);
}

function walk(schema: ConfigSchema, root: ConfigSchema, path: string[], group: Field["group"]): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, raw]) => {
    const one = resolve(raw, root);
    const here = [...path, name];
    const title = { en: one.title ?? words(name), zh: one["x-title-zh"] ?? one.title ?? words(name) };
    if (one.properties) return walk(one, root, here, title);
    const field: Field = {
      path: here,
      type: typeOf(one),
      title,
      description: { en: one.description ?? "", zh: one["x-description-zh"] ?? one.description ?? "" },
      required: schema.required?.includes(name) ?? false,
      group,
      options: (one.enum ?? one.items?.enum ?? []).filter(
        (v): v is string | number => typeof v === "string" || typeof v === "number",
      ),
      initial: one.default,
      generated: one["x-generated"] ?? false,
      schema: one,
    };
    return [field];
  });
}

type Config = Record<string, unknown>;

const at = (config: unknown, path: string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) => (inner !== null && typeof inner === "object" ? (inner as Config)[name] : undefined),
    config,
  );

/** Whether the server holds a secret for this field: it answers `<field>_set` beside a null. */
export function secretSet(config: Config, path: string[]): boolean {
  return at(config, [...path.slice(0, -1), `${path.at(-1)}_set`]) === true;
}

/** What the form starts with: the stored settings, else the schema's own values. Secrets start empty. */
export function initialValues(fields: Field[], config: Config | undefined): Config {
  const start: Config = {};
  for (const field of fields) {
    const stored = config ? at(config, field.path) : undefined;
    const value = stored ?? (config ? undefined : field.initial);
    if (field.type !== "secret" && value !== undefined && value !== null) put(start, field.path, value);
  }
  return start;
}

function put(target: Config, path: string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) target[name] = value;
  else {
    target[name] = { ...(target[name] as Config | undefined) };
    put(target[name] as Config, rest, value);
  }
}

/** What is sent: empty texts and untouched secrets are left out, so that the server keeps what it has. */
export function filled(fields: Field[], values: Config): Config {
  const result: Config = {};
  for (const field of fields) {
    const value = at(values, field.path);
    if (value === undefined || value === null) continue;
    if (typeof value === "string" && value.trim() === "") continue;
    put(result, field.path, typeof value === "string" && field.type !== "long" ? value.trim() : value);
  }
  return result;
}
