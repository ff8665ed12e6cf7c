import type { ReactNode } from "react";

interface Props {
  icon?: ReactNode;
  title: string;
  /** What to do next. */
  hint?: ReactNode;
  action?: ReactNode;
}

/** An empty place that says why it is empty and what to do. */
export function Blank({ icon, title, hint, action }: Props) {
  return (
    <div
      style={{
        display: "flex",
        flexDirection: "column",
        alignItems: "center",
        justifyContent: "center",
        gap: 8,
        padding: "32px 24px",
        minHeight: 160,
        height: "100%",
        textAlign: "center",
        color: "var(--c-text2)",
      }}
    >
      {icon && <div style={{ color: "var(--c-text3)", marginBottom: 4 }}>{icon}</div>}
      <div style={{ color: "var(--c-text)", fontWeight: 600 }}>{title}</div>
      {hint && <div style={{ maxWidth: 340, lineHeight: 1.6 }}>{hint}</div>}
      {action && <div style={{ marginTop: 8 }}>{action}</div>}
    </div>
  );
}
