import { defineConfig } from "vite";

/** One classic script with its style sheet inside: the host page adds one line and nothing else is fetched. */
export default defineConfig({
  build: {
    target: "es2020",
    outDir: "../../../src/switchboard/static/widget",
    emptyOutDir: true,
    lib: { entry: "src/main.tsx", formats: ["iife"], name: "SwitchboardWidget", fileName: () => "widget.js" },
  },
});
