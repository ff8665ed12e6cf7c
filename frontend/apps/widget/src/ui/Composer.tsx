import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useDesk } from "./desk";
import { ClipIcon, SendIcon, SmileIcon } from "./icons";

const EMOJI =
  "😀 😄 😁 😂 🙂 😉 😊 😍 😘 🤗 🤔 😅 😎 😏 😌 😴 😮 😢 😭 😡 😱 😳 🥳 🙄 😷 👍 👎 👏 🙏 👌 ✌️ 🤝 💪 👋 👀 ❤️ 💔 🔥 ✨ 🎉 🎁 🌹 ⭐ ☀️ 🌧️ ✅ ❌ ❗ ☕ 📦 🚚 💰".split(
    " ",
  );
const LONGEST_TEXT = 4_000;

interface Props {
  onFiles: (files: Iterable<File>) => void;
  phone: boolean;
}

export function Composer({ onFiles, phone }: Props) {
  const { chat, say } = useDesk();
  const [text, setText] = useState("");
  const [picking, setPicking] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);

  // On a touch screen the focus would raise the keyboard over the greeting.
  useEffect(() => {
    const root = field.current?.closest<HTMLElement>(".panel");
    if (phone || matchMedia("(pointer: coarse)").matches) root?.focus();
    else field.current?.focus();
    // Once, when the panel opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const send = () => {
    chat.sendText(text);
    setText("");
    setPicking(false);
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    // While an input method composes, Enter chooses a word; Safari reports that only by the key code 229.
    if (event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };

  const insert = (emoji: string) => {
    const element = field.current;
    const start = element?.selectionStart ?? text.length;
    const end = element?.selectionEnd ?? text.length;
    setText(text.slice(0, start) + emoji + text.slice(end));
    requestAnimationFrame(() => element?.setSelectionRange(start + emoji.length, start + emoji.length));
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    onFiles(pasted);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !picking) return;
        event.preventDefault();
        setPicking(false);
        field.current?.focus();
      }}
    >
      {picking && (
        <div class="emoji" role="group" aria-label={say("emoji")}>
          {EMOJI.map((emoji) => (
            <button key={emoji} type="button" onClick={() => insert(emoji)}>
              {emoji}
            </button>
          ))}
        </div>
      )}
      <div class="box">
        <textarea
          ref={field}
          rows={1}
          value={text}
          maxLength={LONGEST_TEXT}
          placeholder={say("write")}
          aria-label={say("write")}
          enterkeyhint="send"
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (event.currentTarget.value) chat.typing();
          }}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <div class="tools">
          <button
            type="button"
            class="icon"
            aria-label={say("emoji")}
            title={say("emoji")}
            aria-expanded={picking}
            onClick={() => setPicking(!picking)}
          >
            <SmileIcon />
          </button>
          <button
            type="button"
            class="icon"
            aria-label={say("attach")}
            title={say("attach")}
            onClick={() => files.current?.click()}
          >
            <ClipIcon />
          </button>
          <input
            ref={files}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              onFiles([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = "";
            }}
          />
          <button type="submit" class="send" aria-label={say("send")} disabled={text.trim() === ""}>
            <SendIcon size={20} />
          </button>
        </div>
      </div>
    </form>
  );
}
