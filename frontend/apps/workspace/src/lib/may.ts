/** Which screens somebody gets; the server decides again on every request. */
import type { Me } from "@switchboard/protocol";

export type Screen = "channels" | "dead-letters" | "people" | "teams" | "keys" | "audit";

const NEEDS: Record<Screen, string> = {
  channels: "connections.manage",
  "dead-letters": "connections.manage",
  people: "people.manage",
  teams: "people.manage",
  keys: "keys.manage",
  audit: "audit.read",
};

export const SCREENS = Object.keys(NEEDS) as Screen[];

export function mayOpen(me: Me, screen: Screen): boolean {
  return me.permissions.includes(NEEDS[screen]);
}

export const mayAdminister = (me: Me): boolean => SCREENS.some((screen) => mayOpen(me, screen));
