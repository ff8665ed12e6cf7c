import type { ReactNode } from "react";

/** Own simple signs for kinds of channels: a shape one recognises, not the platforms' logos. */
const BUBBLE = "M4.2 11.4A7.6 7.2 0 1 1 8.4 18.3L4.4 19.6l1-3.7a7 7 0 0 1-1.2-4.5Z";

const SIGNS: Record<string, { colour: string; sign: ReactNode }> = {
  whatsapp: {
    colour: "#1fa855",
    sign: (
      <>
        <path d={BUBBLE} />
        <path
          d="M9.2 9.3c.2 2.7 2.4 5 5.3 5.4l1-1.6-2-1-.9.8a4.4 4.4 0 0 1-1.9-1.9l.9-.9-.9-2Z"
          fill="#fff"
          stroke="none"
        />
      </>
    ),
  },
  telegram: { colour: "#2a9bd8", sign: <path d="M4 11.6 20 5l-2.6 14-5-3.9-2.6 2.6-.5-4.6L20 5" /> },
  email: {
    colour: "#8a6d3b",
    sign: (
      <>
        <rect x="3.6" y="6" width="16.8" height="12.4" rx="2" />
        <path d="m4.4 7.4 7.6 6 7.6-6" />
      </>
    ),
  },
  web: {
    colour: "#0f6a65",
    sign: (
      <>
        <rect x="3.4" y="4.6" width="17.2" height="12.4" rx="2.6" />
        <path d="M8.4 17v3.2l4-3.2M8 9.4h8M8 12.6h5" />
      </>
    ),
  },
  custom: { colour: "#6b6f7a", sign: <path d="m8.4 7-5 5 5 5M15.6 7l5 5-5 5M13.4 5l-2.8 14" /> },
  messenger: {
    colour: "#7a4ff0",
    sign: (
      <>
        <path d={BUBBLE} />
        <path d="m7.6 13.4 3-3 2.4 2 3.2-2.8" />
      </>
    ),
  },
  instagram: {
    colour: "#d1417a",
    sign: (
      <>
        <rect x="4" y="4" width="16" height="16" rx="4.6" />
        <circle cx="12" cy="12" r="3.7" />
        <circle cx="16.6" cy="7.4" r=".6" fill="#fff" />
      </>
    ),
  },
  line: {
    colour: "#17b34a",
    sign: (
      <>
        <path d={BUBBLE} />
        <path d="M8.4 9.6v3.8h2M12 9.6v3.8M14.2 13.4V9.6l2 3.8V9.6" />
      </>
    ),
  },
  wechat: {
    colour: "#17a34a",
    sign: (
      <>
        <path d="M14.4 8.6A6 5.2 0 1 0 5 14.2l-.7 2.2 2.6-1.1a7 7 0 0 0 2 .3" />
        <path d="M20.6 14.2a5 4.3 0 1 0-2 3.3l1.9.9-.5-1.8a4 4 0 0 0 .6-2.4Z" />
      </>
    ),
  },
  sms: {
    colour: "#5b6ee0",
    sign: (
      <>
        <rect x="6.4" y="3.4" width="11.2" height="17.2" rx="2.4" />
        <path d="M10.8 17.6h2.4M9.4 8h5.2M9.4 11h3.4" />
      </>
    ),
  },
  douyin: {
    colour: "#26262b",
    sign: <path d="M13.4 4v10.6a3.4 3.4 0 1 1-3.2-3.4M13.4 4.4c.5 2.6 2.2 4.2 4.8 4.4" />,
  },
  weibo: {
    colour: "#d9482f",
    sign: (
      <>
        <path d="M16.6 13.6c0 2.8-2.9 4.9-6.4 4.9s-6.2-1.7-6.2-4.2c0-2.7 3.6-6.4 6.6-6.4 1.6 0 1.9 1 1.5 2.3 2-.7 3.8-.5 3.5 1.4" />
        <circle cx="9.6" cy="14" r="1.7" />
        <path d="M15.4 5.4a4.2 4.2 0 0 1 4.6 5.4" />
      </>
    ),
  },
  voice: {
    colour: "#3a78b8",
    sign: (
      <>
        <rect x="9" y="3.6" width="6" height="10.4" rx="3" />
        <path d="M5.8 11.4a6.2 6.2 0 0 0 12.4 0M12 17.6v2.8M9.2 20.4h5.6" />
      </>
    ),
  },
};
SIGNS.wechat_oa = SIGNS.wecom = SIGNS.wechat_miniprogram = SIGNS.wechat as (typeof SIGNS)[string];
for (const kind of ["smpp", "twilio", "aliyun", "tencent"])
  SIGNS[`sms_${kind}`] = SIGNS.sms as (typeof SIGNS)[string];
for (const kind of ["alexa", "dueros", "tmall"])
  SIGNS[`voice_${kind}`] = SIGNS.voice as (typeof SIGNS)[string];

const FALLBACK = { colour: "#6b6f7a", sign: <path d={BUBBLE} /> };

export function kindColour(kind: string | null | undefined): string {
  return (SIGNS[kind ?? ""] ?? FALLBACK).colour;
}

interface Props {
  kind: string | null | undefined;
  /** Pixels. */
  size?: number;
  title?: string;
  className?: string;
}

export function ChannelMark({ kind, size = 18, title, className }: Props) {
  const { colour, sign } = SIGNS[kind ?? ""] ?? FALLBACK;
  return (
    <svg
      className={className}
      width={size}
      height={size}
      viewBox="0 0 34 34"
      role={title ? "img" : undefined}
      aria-label={title}
      aria-hidden={title ? undefined : true}
      style={{ flex: "none", display: "block" }}
    >
      {title && <title>{title}</title>}
      <rect width="34" height="34" rx="9" fill={colour} />
      <g
        transform="translate(5 5)"
        fill="none"
        stroke="#fff"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        {sign}
      </g>
    </svg>
  );
}
