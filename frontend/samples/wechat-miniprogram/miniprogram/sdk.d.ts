/** `sdk.js` beside this file is the built SDK, copied: see the README. */
export * from "../../../packages/sdk/src/index";
