import type { Contact } from "@switchboard/protocol";
import type { TFunction } from "i18next";

/** What is noted of a contact, in the reader's words where a channel told it: [key, name, value]. */
export function attributeRows(attributes: Contact["attributes"], t: TFunction): [string, string, string][] {
  return (
    Object.entries(attributes)
      // What stands above a post's comments already is not repeated.
      .filter(([key]) => key !== "post")
      .map(([key, value]) => [key, named(key, t), said(value, t)])
  );
}

function named(key: string, t: TFunction): string {
  return t(`attributeNames.${key}`, { defaultValue: key });
}

function said(value: unknown, t: TFunction): string {
  if (typeof value === "boolean") return t(value ? "contact.yes" : "contact.no");
  if (Array.isArray(value)) return value.map((one) => said(one, t)).join(", ");
  if (value !== null && typeof value === "object")
    return Object.entries(value)
      .map(([key, one]) => `${named(key, t)}: ${said(one, t)}`)
      .join(" · ");
  return String(value ?? "");
}
