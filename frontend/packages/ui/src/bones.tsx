/** Grey lines where text will be. */
export function Bones({
  rows = 6,
  avatar = false,
  gap = 18,
}: {
  rows?: number;
  avatar?: boolean;
  gap?: number;
}) {
  return (
    <div aria-hidden className="bones" style={{ display: "flex", flexDirection: "column", gap, padding: 14 }}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} style={{ display: "flex", gap: 10, opacity: 1 - i / (rows + 2) }}>
          {avatar && (
            <div className="bone" style={{ width: 34, height: 34, borderRadius: "50%", flex: "none" }} />
          )}
          <div
            style={{ flex: 1, display: "flex", flexDirection: "column", gap: 7, paddingTop: avatar ? 4 : 0 }}
          >
            <div
              className="bone"
              style={{ height: 10, width: `${55 + ((i * 37) % 30)}%`, borderRadius: 4 }}
            />
            <div className="bone" style={{ height: 9, width: `${70 + ((i * 53) % 28)}%`, borderRadius: 4 }} />
          </div>
        </div>
      ))}
    </div>
  );
}
