/**
 * Makes the written declarations findable for every kind of module resolution: with the endings that Node's wants, and a copy
 * of each for `require`, which must not be told that it gets a module of the newer kind.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const folder = new URL("../dist/", import.meta.url);
const RELATIVE = /(from "\.\/[\w-]+)(")/g;

for (const name of readdirSync(folder).filter((one) => one.endsWith(".d.ts"))) {
  const text = readFileSync(new URL(name, folder), "utf8");
  writeFileSync(new URL(name.replace(/ts$/, "cts"), folder), text.replace(RELATIVE, "$1.cjs$2"));
  writeFileSync(new URL(name, folder), text.replace(RELATIVE, "$1.js$2"));
}
