/** An approved template's text with its values: what stands where, what the customer will read, what is sent. */
import type { ApprovedTemplate, OutgoingPart } from "@switchboard/protocol";

/** Words as they are, or the place of a variable; `again`: the same one stood before. */
export type Piece = string | { variable: string; again: boolean };

export function pieces({ text, variables = [] }: ApprovedTemplate): Piece[] {
  const seen = new Set<string>();
  return text
    .split(/(\{[^{}\s]{1,80}\})/)
    .filter((words) => words !== "")
    .map((words) => {
      const variable = words.slice(1, -1);
      if (!words.startsWith("{") || !variables.includes(variable)) return words;
      const again = seen.has(variable);
      seen.add(variable);
      return { variable, again };
    });
}

export type Values = Record<string, string>;

const said = (values: Values, variable: string) => (values[variable] ?? "").trim();

/** Variables of some platforms stand in no text that we know: they want a value all the same. */
export const unplaced = (template: ApprovedTemplate): string[] => {
  const placed = new Set(pieces(template).map((one) => (typeof one === "string" ? "" : one.variable)));
  return (template.variables ?? []).filter((name) => !placed.has(name));
};

/** What the customer will read; `missing` stands for values that are not written yet. */
export const preview = (
  template: ApprovedTemplate,
  values: Values,
  missing: (variable: string) => string,
): string =>
  pieces(template)
    .map((one) => (typeof one === "string" ? one : said(values, one.variable) || missing(one.variable)))
    .join("");

/** The part to send, with its words for the timeline; null while a value is missing. */
export function filledPart(template: ApprovedTemplate, values: Values): OutgoingPart | null {
  const names = template.variables ?? [];
  if (names.some((name) => said(values, name) === "")) return null;
  return {
    type: "template",
    name: template.name,
    language: template.language,
    variables: names.map((name) => (template.named ? `${name}=${said(values, name)}` : said(values, name))),
    text: preview(template, values, () => ""),
  };
}

export const keyOf = (template: ApprovedTemplate): string => `${template.name}\n${template.language}`;

/** Templates in which every word of the search stands, in any field that people see. */
export function matching(templates: ApprovedTemplate[], find: string): ApprovedTemplate[] {
  const words = find.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return templates;
  return templates.filter((one) => {
    const all = [one.title, one.name, one.language, one.category, one.text].join("\n").toLocaleLowerCase();
    return words.every((word) => all.includes(word));
  });
}
