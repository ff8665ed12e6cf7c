import { useEffect, useRef, useState } from "preact/hooks";
import type { View } from "../chat";
import type { Config, StoredFile } from "../wire";
import { fileSize } from "../words";
import { Composer } from "./Composer";
import { useDesk } from "./desk";
import { OfflineNote, PreChat } from "./Forms";
import { CloseIcon, DownIcon } from "./icons";
import { Lightbox } from "./Lightbox";
import { Messages } from "./Messages";

const FILES_AT_ONCE = 10;

interface Props {
  view: View;
  phone: boolean;
  onClose: () => void;
}

export function Panel({ view, phone, onClose }: Props) {
  const { chat, say } = useDesk();
  const { config } = view;
  const panel = useRef<HTMLElement>(null);
  const [picture, setPicture] = useState<StoredFile | null>(null);
  const [dropping, setDropping] = useState(false);
  useKeyboardRoom(panel, phone);

  const sendFiles = (files: Iterable<File>) => {
    const all = [...files];
    if (all.length > FILES_AT_ONCE) chat.notice(say("tooMany", { n: FILES_AT_ONCE }));
    const limit = config?.max_file_bytes ?? Infinity;
    for (const file of all.slice(0, FILES_AT_ONCE)) {
      if (file.size > limit) chat.notice(say("tooLarge", { name: file.name, size: fileSize(limit) }));
      else chat.sendFile(file);
    }
  };

  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const onKeyDown = (event: KeyboardEvent) => {
    // The page behind must not take our keys for its shortcuts.
    event.stopPropagation();
    if (event.key === "Tab" && phone) keepFocus(event, panel.current);
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (picture) setPicture(null);
    else onClose();
  };

  const asking = config !== null && needsForm(view, config);
  return (
    <section
      class="panel"
      ref={panel}
      role="dialog"
      aria-modal={phone}
      aria-label={config?.name ?? say("conversation")}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onKeyUp={(event) => event.stopPropagation()}
      onKeyPress={(event) => event.stopPropagation()}
      onDragEnter={(event) => carriesFiles(event) && !asking && setDropping(true)}
      onDragOver={(event) => carriesFiles(event) && event.preventDefault()}
    >
      <Header view={view} onClose={onClose} />
      {asking ? (
        <PreChat fields={config.pre_chat} known={view.profile} />
      ) : (
        <>
          <Messages view={view} onPicture={setPicture} foot={<OfflineNote view={view} />} />
          {view.notice && (
            <p class="notice" role="alert">
              {view.notice}
            </p>
          )}
          <Composer onFiles={sendFiles} phone={phone} />
        </>
      )}
      {dropping && (
        <div
          class="drop"
          onDragLeave={() => setDropping(false)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            setDropping(false);
            sendFiles(event.dataTransfer?.files ?? []);
          }}
        >
          <span>{say("drop")}</span>
        </div>
      )}
      {picture && <Lightbox file={picture} onClose={() => setPicture(null)} />}
    </section>
  );
}

function Header({ view, onClose }: { view: View; onClose: () => void }) {
  const { say } = useDesk();
  const { conversation, config, phase } = view;
  const brand = config?.name ?? "";
  const name = conversation.agent?.name ?? brand;
  const state = () => {
    if (phase === "waiting") return say("reconnecting");
    if (conversation.queuePosition) return say("queue", { n: conversation.queuePosition });
    return say(conversation.online ? "online" : "away");
  };
  return (
    <header class="header">
      <span class="avatar" aria-hidden="true">
        {initials(name)}
        <i class="dot" data-online={conversation.online && phase !== "waiting"} />
      </span>
      <div class="title">
        <h2>{name}</h2>
        <p role="status">
          {conversation.agent && brand !== name ? `${brand} · ` : ""}
          {state()}
        </p>
      </div>
      <button type="button" class="icon" aria-label={say("close")} onClick={onClose}>
        <span class="only-phone">
          <DownIcon />
        </span>
        <span class="only-desk">
          <CloseIcon />
        </span>
      </button>
    </header>
  );
}

/** Asked once, and never of somebody who is already talking to us. */
function needsForm(view: View, config: Config): boolean {
  const { messages, outbox } = view.conversation;
  return config.pre_chat.length > 0 && !view.introduced && messages.length === 0 && outbox.length === 0;
}

/** "Lin Yue" → LY, 林悦 → 林 */
export function initials(name: string): string {
  if (/^[\u3400-\u9fff]/.test(name)) return name.slice(0, 1);
  const words = name.split(/\s+/).filter(Boolean);
  return words
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase() ?? "")
    .join("");
}

/** On a phone the panel covers the page, so Tab stays inside. */
function keepFocus(event: KeyboardEvent, panel: HTMLElement | null): void {
  const stops = panel?.querySelectorAll<HTMLElement>(
    "button:not(:disabled), a[href], input:not([hidden]), textarea",
  );
  const first = stops?.[0];
  const last = stops?.[stops.length - 1];
  const root = panel?.getRootNode();
  const active = root instanceof ShadowRoot ? root.activeElement : null;
  if (event.shiftKey && (active === first || active === panel)) {
    event.preventDefault();
    last?.focus();
  } else if (!event.shiftKey && active === last) {
    event.preventDefault();
    first?.focus();
  }
}

/** A phone's keyboard covers fixed elements on iOS: take the height that is really visible. */
function useKeyboardRoom(panel: { current: HTMLElement | null }, phone: boolean): void {
  useEffect(() => {
    const visible = window.visualViewport;
    const element = panel.current;
    if (!phone || !visible || !element) return;
    const fit = () => {
      element.style.setProperty("--visible", `${visible.height}px`);
      element.style.setProperty("--top", `${visible.offsetTop}px`);
    };
    fit();
    visible.addEventListener("resize", fit);
    visible.addEventListener("scroll", fit);
    return () => {
      visible.removeEventListener("resize", fit);
      visible.removeEventListener("scroll", fit);
      element.style.removeProperty("--visible");
      element.style.removeProperty("--top");
    };
  }, [panel, phone]);
}
