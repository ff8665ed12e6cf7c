import type { NoticePart } from "@switchboard/protocol";
import type { TFunction } from "i18next";

/** A notice in the reader's language; else in the words it came with. */
export function noticeText(part: NoticePart, t: TFunction): string {
  const data = Object.fromEntries(
    Object.entries(part.data ?? {}).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  );
  return t(`notices.${part.code.replaceAll(".", "_")}`, { ...data, defaultValue: part.text || part.code });
}
