import { useState } from "react";

/** Quiet tones, told apart in light and dark. */
const TONES = ["#5e7f7a", "#8a7359", "#6c7a94", "#8c6672", "#6f8257", "#7b6d92", "#9a7b4f", "#577f93"];

function tone(seed: string): string {
  let sum = 7;
  for (const c of seed) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return TONES[sum % TONES.length] ?? "#5e7f7a";
}

/** Last two characters of a Chinese given name's end, else initials: what people call each other. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = words[0] ?? "";
  if (/\p{Script=Han}/u.test(first)) return [...first].slice(-1).join("");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [first];
  return (
    letters
      .map((w) => [...(w ?? "")][0] ?? "")
      .join("")
      .toUpperCase() || "?"
  );
}

interface Props {
  name: string;
  url?: string | null;
  /** Pixels. */
  size?: number;
  seed?: string;
}

export function Avatar({ name, url, size = 32, seed }: Props) {
  const [broken, setBroken] = useState(false);
  const box = { width: size, height: size, borderRadius: "50%", flex: "none" } as const;
  if (url && !broken)
    return <img src={url} alt="" style={{ ...box, objectFit: "cover" }} onError={() => setBroken(true)} />;
  return (
    <span
      aria-hidden
      style={{
        ...box,
        display: "inline-flex",
        alignItems: "center",
        justifyContent: "center",
        background: tone(seed ?? name),
        color: "#fff",
        fontSize: Math.round(size * 0.4),
        fontWeight: 600,
        userSelect: "none",
      }}
    >
      {initials(name)}
    </span>
  );
}
