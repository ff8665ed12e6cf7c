export interface SnoozeChoice {
  id: "hour" | "evening" | "tomorrow" | "monday";
  until: Date;
}

const at = (day: Date, days: number, hour: number) =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour);

/** When a conversation may come back, in the agent's own time; this evening only while it is still ahead. */
export function snoozeChoices(now: Date): SnoozeChoice[] {
  const choices: SnoozeChoice[] = [{ id: "hour", until: new Date(now.getTime() + 3_600_000) }];
  if (now.getHours() < 16) choices.push({ id: "evening", until: at(now, 0, 18) });
  choices.push({ id: "tomorrow", until: at(now, 1, 9) });
  choices.push({ id: "monday", until: at(now, (8 - now.getDay()) % 7 || 7, 9) });
  return choices;
}
