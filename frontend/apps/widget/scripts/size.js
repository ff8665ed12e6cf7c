// The widget rides on other people's pages, so its weight is part of its contract.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 25_000;
const file = new URL("../../../../src/switchboard/static/widget/widget.js", import.meta.url);

const source = readFileSync(file);
const size = gzipSync(source, { level: 9 }).length;
console.log(`widget.js: ${size} bytes gzipped (limit ${LIMIT_BYTES}), ${source.length} bytes raw`);
if (size > LIMIT_BYTES) {
  console.error("widget.js is over its limit: remove something, or load it only when it is needed.");
  process.exit(1);
}
if (/\beval\(|new Function\(/.test(source.toString())) {
  console.error("widget.js evaluates strings as code, which strict content security policies forbid.");
  process.exit(1);
}
