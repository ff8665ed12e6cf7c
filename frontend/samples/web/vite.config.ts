import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** In an app of your own the package is installed, and none of this is needed. */
export default defineConfig({
  resolve: {
    alias: {
      "@switchboard/sdk": fileURLToPath(new URL("../../packages/sdk/src/index.ts", import.meta.url)),
    },
  },
  build: { target: "es2022" },
});
