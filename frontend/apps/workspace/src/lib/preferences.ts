/** Choices of this browser, shown at once; those of the account follow them to other browsers. */
import type { Theme } from "@switchboard/protocol";
import { create } from "zustand";
import { readStored, writeStored } from "./stored";

export interface Preferences {
  theme: Theme;
  sound: boolean;
  desktop: boolean;
  panel: boolean;
}

const KEY = "preferences";
const defaults: Preferences = { theme: "system", sound: false, desktop: false, panel: true };

export const usePreferences = create<Preferences>(() => ({ ...defaults, ...readStored(KEY, {}) }));
usePreferences.subscribe((state) => writeStored(KEY, state));

export const setPreference = (change: Partial<Preferences>) => usePreferences.setState(change);
