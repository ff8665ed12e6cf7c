import type { ReactNode } from "react";

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd
      style={{
        font: "500 11px/18px var(--font)",
        display: "inline-block",
        minWidth: 18,
        padding: "0 5px",
        textAlign: "center",
        borderRadius: 4,
        border: "1px solid var(--c-line)",
        background: "var(--c-panel)",
        color: "var(--c-text2)",
      }}
    >
      {children}
    </kbd>
  );
}
