import { defineConfig } from "vite";

/** One classic script with its style sheet inside: the host page adds one line and nothing else is fetched. */
export default defineConfig({
  // The types see the automatic runtime; the classic one builds the same elements in fewer bytes.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: `import { h, Fragment } from "preact";`,
  },
  build: {
    target: "es2022",
    outDir: "../../../src/switchboard/static/widget",
    emptyOutDir: true,
    lib: { entry: "src/main.tsx", formats: ["iife"], name: "SwitchboardWidget", fileName: () => "widget.js" },
  },
});
