import { defineConfig } from "vite";

/** One file without dependencies, for bundlers and for the module loader of WeChat's mini-programs. */
export default defineConfig({
  build: {
    target: "es2018",
    minify: false,
    lib: {
      entry: "src/index.ts",
      formats: ["es", "cjs"],
      fileName: (format) => (format === "es" ? "index.js" : "index.cjs"),
    },
  },
});
