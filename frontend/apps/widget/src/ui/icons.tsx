import type { ComponentChildren } from "preact";

function icon(children: ComponentChildren) {
  return function Icon({ size = 22 }: { size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
        aria-hidden="true"
      >
        {children}
      </svg>
    );
  };
}

export const ChatIcon = icon(
  <>
    <path
      d="M12 3.5c5 0 9 3.4 9 7.8s-4 7.8-9 7.8c-1 0-2-.1-2.9-.4L4.6 20.5l.9-3.6C3.9 15.5 3 13.5 3 11.3 3 6.9 7 3.5 12 3.5Z"
      fill="currentColor"
      stroke="none"
    />
    <path d="M8.3 11.3h.01M12 11.3h.01M15.7 11.3h.01" stroke="var(--brand)" stroke-width="2.4" />
  </>,
);
export const DownIcon = icon(<path d="m6 9.5 6 6 6-6" />);
export const CloseIcon = icon(<path d="m6.5 6.5 11 11m0-11-11 11" />);
export const SendIcon = icon(<path d="M12 19V5.5m-6 5.7 6-6 6 6" stroke-width="2.2" />);
export const ClipIcon = icon(
  <path d="m20 11.5-8 8a5 5 0 0 1-7.1-7.1l8.3-8.3a3.3 3.3 0 0 1 4.7 4.7l-8.2 8.2a1.7 1.7 0 0 1-2.4-2.4l7.3-7.2" />,
);
export const SmileIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.8" />
    <path d="M8.3 14.2a4.5 4.5 0 0 0 7.4 0M9 9.5v.6M15 9.5v.6" />
  </>,
);
export const FileIcon = icon(
  <path d="M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5l-5-5Zm0 0v5h5" />,
);
export const PinIcon = icon(
  <>
    <path d="M12 21c4-4.3 6.5-7.5 6.5-10.8a6.5 6.5 0 0 0-13 0C5.5 13.5 8 16.7 12 21Z" />
    <circle cx="12" cy="10" r="2.3" />
  </>,
);
export const TickIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const TicksIcon = icon(<path d="m2 12.5 4.5 4.5L15 7.5M12 16l1 1 9.5-9.5" />);
