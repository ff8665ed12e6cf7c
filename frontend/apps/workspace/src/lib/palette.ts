/** Colours of the page: ink and deep teal on warm neutrals. One source for the CSS variables and for Ant Design. */
export interface Palette {
  accent: string;
  accentStrong: string;
  accentSoft: string;
  onAccent: string;
  text: string;
  text2: string;
  text3: string;
  line: string;
  lineSoft: string;
  page: string;
  panel: string;
  sheet: string;
  raised: string;
  hover: string;
  selected: string;
  bubbleIn: string;
  bubbleOut: string;
  note: string;
  noteLine: string;
  noteText: string;
  danger: string;
  dangerSoft: string;
  warning: string;
  warningSoft: string;
  success: string;
  info: string;
  mark: string;
  shadow: string;
}

export const light: Palette = {
  accent: "#0f6a65",
  accentStrong: "#0a4f4b",
  accentSoft: "#dcece8",
  onAccent: "#ffffff",
  text: "#1b2423",
  text2: "#56625f",
  text3: "#84908c",
  line: "#dedad1",
  lineSoft: "#ebe8e1",
  page: "#efece5",
  panel: "#f8f6f2",
  sheet: "#fffefc",
  raised: "#ffffff",
  hover: "#f0ede6",
  selected: "#e0ecea",
  bubbleIn: "#f2efe9",
  bubbleOut: "#dcedea",
  note: "#fdf4da",
  noteLine: "#ead9a6",
  noteText: "#6b5312",
  danger: "#b23b2e",
  dangerSoft: "#f9e6e2",
  warning: "#a86a10",
  warningSoft: "#fbeed6",
  success: "#2c7a4b",
  info: "#2d6391",
  mark: "#fbe59a",
  shadow: "0 6px 24px rgba(27, 36, 35, 0.12)",
};

export const dark: Palette = {
  accent: "#4fb0a6",
  accentStrong: "#7ccac1",
  accentSoft: "#17403c",
  onAccent: "#06201e",
  text: "#e4e8e5",
  text2: "#a3aeaa",
  text3: "#74807c",
  line: "#2b3533",
  lineSoft: "#222b29",
  page: "#0d1211",
  panel: "#131918",
  sheet: "#171e1d",
  raised: "#1d2624",
  hover: "#1e2726",
  selected: "#1b3431",
  bubbleIn: "#222b2a",
  bubbleOut: "#174541",
  note: "#322a14",
  noteLine: "#54461f",
  noteText: "#e7d39a",
  danger: "#e07a6a",
  dangerSoft: "#3b211d",
  warning: "#d9a349",
  warningSoft: "#352a15",
  success: "#62b383",
  info: "#6ea6d3",
  mark: "#6f5a14",
  shadow: "0 8px 28px rgba(0, 0, 0, 0.5)",
};

const dashed = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** Writes the palette as `--c-…` variables on the root element. */
export function paint(palette: Palette, mode: "light" | "dark", root: HTMLElement): void {
  for (const [name, value] of Object.entries(palette)) root.style.setProperty(`--c-${dashed(name)}`, value);
  root.style.colorScheme = mode;
  root.dataset.mode = mode;
}
