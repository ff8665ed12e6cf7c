import { useState } from "react";

interface Props {
  src: string;
  /** What stands there when the picture can't be had: the platform's number and its word for it. */
  number: string;
  words: string;
  /** Pixels. */
  size: number;
}

/** A platform's sticker. */
export function StickerPicture({ src, number, words, size }: Props) {
  const [broken, setBroken] = useState(false);
  if (!broken)
    return (
      <img
        src={src}
        alt={`${words} ${number}`}
        width={size}
        height={size}
        loading="lazy"
        draggable={false}
        style={{ objectFit: "contain", display: "block" }}
        onError={() => setBroken(true)}
      />
    );
  return (
    <span
      style={{
        width: size,
        height: size,
        display: "flex",
        flexDirection: "column",
        justifyContent: "center",
        textAlign: "center",
        overflow: "hidden",
        overflowWrap: "anywhere",
        fontSize: 11,
        lineHeight: 1.2,
      }}
    >
      <b>{number}</b>
      <small style={{ color: "var(--c-text3)" }}>{words}</small>
    </span>
  );
}
