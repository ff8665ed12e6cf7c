import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "./en.json";
import zh from "./zh-CN.json";

type Tree = { [name: string]: string | Tree };

function flat(tree: Tree, path = ""): Record<string, string> {
  return Object.assign(
    {},
    ...Object.entries(tree).map(([name, value]) =>
      typeof value === "string" ? { [path + name]: value } : flat(value, `${path}${name}.`),
    ),
  ) as Record<string, string>;
}

/** Languages have different plural forms; the word behind them is one key. */
const key = (name: string) => name.replace(/_(one|other)$/, "");
const keys = (tree: Tree) => [...new Set(Object.keys(flat(tree)).map(key))].sort();
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\./.test(entry.name) ? [readFileSync(path, "utf8")] : [];
  });
}

describe("strings", () => {
  it("exist in both languages", () => expect(keys(zh)).toEqual(keys(en)));

  it("have the same holes in both languages", () => {
    const english = flat(en);
    for (const [name, text] of Object.entries(flat(zh)))
      expect([name, holes(text)]).toEqual([name, holes(english[name] ?? "")]);
  });

  it("use full-width punctuation after Chinese", () => {
    const wrong = Object.entries(flat(zh)).filter(([, text]) => /\p{Script=Han}[,;:!?]/u.test(text));
    expect(wrong).toEqual([]);
  });

  it("exist for every key that the page names", () => {
    const known = new Set(keys(en));
    const named = sources(join(import.meta.dirname, ".."))
      .flatMap((text) => [...text.matchAll(/\bt\("([^"]+)"/g)])
      .map((m) => m[1] ?? "");
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(250);
  });

  it("exist for every family of keys that the page builds", () => {
    const known = keys(en);
    const families = sources(join(import.meta.dirname, ".."))
      .flatMap((text) => [...text.matchAll(/\bt\(`([\w.]+)\.\$\{[^`]*`(?!, \{)/g)])
      .map((m) => m[1] ?? "");
    expect(families.filter((family) => !known.some((name) => name.startsWith(`${family}.`)))).toEqual([]);
  });
});
