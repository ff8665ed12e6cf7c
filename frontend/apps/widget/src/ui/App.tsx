import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../chat";
import type { Language, Options } from "../options";
import type { Message } from "../wire";
import type { Say } from "../words";
import { DeskContext, useView } from "./desk";
import { ChatIcon, CloseIcon, DownIcon } from "./icons";
import { Panel } from "./Panel";
import { summary } from "./Parts";

export interface Controls {
  set(open: boolean): void;
  isOpen(): boolean;
}

interface Props {
  chat: Chat;
  language: Language;
  say: Say;
  theme: Options["theme"];
  startOpen: boolean | null;
  onControls: (controls: Controls) => void;
}

const PHONE = "(max-width: 520px)";

export function App({ chat, language, say, theme, startOpen, onControls }: Props) {
  const view = useView(chat);
  const dark = useMedia("(prefers-color-scheme: dark)");
  const phone = useMedia(PHONE);
  const [open, setOpen] = useState(() => startOpen ?? (chat.wasOpen && !matchMedia(PHONE).matches));
  const [peek, setPeek] = useState<Message | null>(null);
  const launcher = useRef<HTMLButtonElement>(null);
  const opened = useRef(open);

  const set = (next: boolean) => {
    if (next === opened.current) return;
    opened.current = next;
    setOpen(next);
    setPeek(null);
    chat.setOpen(next);
    // After the drawing: on a phone the button is not there while the panel is open.
    if (!next) requestAnimationFrame(() => launcher.current?.focus());
  };

  useEffect(() => {
    onControls({ set, isOpen: () => opened.current });
    if (opened.current) chat.setOpen(true);
    return chat.events.on("message", (message) => {
      if (!opened.current) setPeek(message);
    });
    // Once: the controls live as long as the widget.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const label = view.unread > 0 ? say("openUnread", { n: view.unread }) : say("open");
  const author = peek?.author?.name ?? view.config?.name ?? say("someone");
  return (
    <DeskContext.Provider value={{ chat, language, say }}>
      <div
        class="root"
        lang={language === "zh" ? "zh-CN" : "en"}
        data-theme={theme ?? (dark ? "dark" : "light")}
        data-open={open}
      >
        {open && <Panel view={view} phone={phone} onClose={() => set(false)} />}
        {peek && !open && (
          <div class="peek" role="status">
            <button type="button" class="peek-body" onClick={() => set(true)}>
              <strong>{author}</strong>
              <span>{summary(peek.parts, say)}</span>
            </button>
            <button type="button" class="icon" aria-label={say("close")} onClick={() => setPeek(null)}>
              <CloseIcon size={16} />
            </button>
          </div>
        )}
        {!(open && phone) && (
          <button
            type="button"
            class="launcher"
            ref={launcher}
            aria-label={open ? say("close") : label}
            aria-expanded={open}
            onClick={() => set(!open)}
          >
            {open ? <DownIcon size={28} /> : <ChatIcon size={32} />}
            {!open && view.unread > 0 && (
              <span class="badge" aria-hidden="true">
                {view.unread > 99 ? "99+" : view.unread}
              </span>
            )}
          </button>
        )}
      </div>
    </DeskContext.Provider>
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const follow = () => setMatches(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, [query]);
  return matches;
}
