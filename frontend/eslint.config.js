import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** Floors of the agent's page, top first: app > features > sync > lib. Imports go down only. */
const floor = (files, forbidden, message) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          { group: forbidden, message },
          {
            group: ["../*"],
            message: "Import across folders through '@/…', so that the floors stay visible.",
          },
        ],
      },
    ],
  },
});
const page = "apps/workspace/src";

export default tseslint.config(
  { ignores: ["**/node_modules", "**/dist", "**/generated.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      "max-lines": ["error", 400],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
    },
  },
  {
    // Markup counts as lines: a screen's outline may be longer than a function that computes.
    files: ["apps/workspace/src/**/*.tsx"],
    rules: { "max-lines-per-function": ["error", { max: 100, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  { files: ["**/*.{js,mjs}", "**/*.config.ts"], languageOptions: { globals: globals.node } },
  { files: ["**/size.js", "**/scripts/*.js"], rules: { "no-console": "off" } },
  floor([`${page}/features/**`], ["@/app/*", "@/features/*"], "A feature imports only sync and lib."),
  floor([`${page}/sync/**`], ["@/app/*", "@/features/*"], "sync imports only lib."),
  floor([`${page}/lib/**`], ["@/app/*", "@/features/*", "@/sync/*"], "lib imports nothing of ours."),
);
