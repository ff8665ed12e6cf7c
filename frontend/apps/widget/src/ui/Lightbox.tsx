import { useEffect, useRef } from "preact/hooks";
import type { StoredFile } from "../wire";
import { useDesk } from "./desk";
import { CloseIcon } from "./icons";

export function Lightbox({ file, onClose }: { file: StoredFile; onClose: () => void }) {
  const { chat, say } = useDesk();
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const root = close.current?.getRootNode();
    const before = root instanceof ShadowRoot ? root.activeElement : null;
    close.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const url = chat.api.address(file.url);
  return (
    <div
      class="lightbox"
      role="dialog"
      aria-modal="true"
      aria-label={file.name}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <img src={url} alt={file.name} />
      <div class="lightbox-bar">
        <a href={url} target="_blank" rel="noopener noreferrer">
          {say("openOriginal")}
        </a>
        <button type="button" class="icon" ref={close} aria-label={say("close")} onClick={onClose}>
          <CloseIcon />
        </button>
      </div>
    </div>
  );
}
