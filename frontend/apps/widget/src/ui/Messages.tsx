import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { View } from "../chat";
import { timeline, type Entry } from "@switchboard/sdk/engine";
import type { StoredFile } from "../wire";
import { clock, day } from "../words";
import { useDesk } from "./desk";
import { DownIcon, TickIcon, TicksIcon } from "./icons";
import { PartView } from "./Parts";

/** Messages of one author closer than this stand together. */
const TOGETHER_MS = 5 * 60_000;
/** Pixels from an end that still count as being there. */
const NEAR = 60;

interface Props {
  view: View;
  onPicture: (file: StoredFile) => void;
  foot: ComponentChildren;
}

export function Messages({ view, onPicture, foot }: Props) {
  const { chat, language, say } = useDesk();
  const { conversation, config } = view;
  const entries = useMemo(() => timeline(conversation), [conversation]);
  const chosen = useMemo(() => choicesOf(entries), [entries]);
  const list = useRef<HTMLDivElement>(null);
  const { atEnd, follow } = useScroll(list, entries, () => chat.loadOlder());
  useReading(view, atEnd);

  const greeting = config?.greeting[language] || config?.greeting[language === "zh" ? "en" : "zh"];
  const now = new Date();
  const lastMine = entries.findLastIndex((entry) => entry.mine);
  return (
    <div class="middle">
      <div
        class="list"
        ref={list}
        role="log"
        aria-label={say("conversation")}
        aria-live="polite"
        tabIndex={0}
      >
        <div class="column">
          {view.loadingOlder && <p class="day">…</p>}
          {greeting && !conversation.more && (
            <div class="row theirs last">
              <div class="bubble">
                <p class="text">{greeting}</p>
              </div>
            </div>
          )}
          {entries.map((entry, index) => {
            const before = entries[index - 1];
            const after = entries[index + 1];
            const date = day(entry.at, now, language);
            return (
              <div key={entry.key} class="slot">
                {(!before || day(before.at, now, language) !== date) && (
                  <p class="day">
                    <span>{date}</span>
                  </p>
                )}
                <Row
                  entry={entry}
                  first={!together(before, entry)}
                  last={!together(entry, after)}
                  status={index === lastMine || entry.delivery === "failed"}
                  chosen={chosen}
                  onPicture={onPicture}
                />
              </div>
            );
          })}
          {conversation.typing !== null && (
            <div class="row theirs last">
              <div
                class="bubble dots"
                role="img"
                aria-label={say("typing", { name: conversation.typing || say("someone") })}
              >
                <i />
                <i />
                <i />
              </div>
            </div>
          )}
          {foot}
        </div>
      </div>
      {!atEnd && (
        <button
          type="button"
          class="to-end"
          data-news={view.unread > 0}
          aria-label={say("newMessages")}
          onClick={follow}
        >
          {view.unread > 0 && <span>{say("newMessages")}</span>}
          <DownIcon size={18} />
        </button>
      )}
    </div>
  );
}

interface RowProps {
  entry: Entry;
  first: boolean;
  last: boolean;
  /** say below how far it got */
  status: boolean;
  chosen: ReadonlySet<string>;
  onPicture: (file: StoredFile) => void;
}

function Row({ entry, first, last, status, chosen, onPicture }: RowProps) {
  const { language, say } = useDesk();
  const classes = ["row", entry.mine ? "mine" : "theirs", first && "first", last && "last", entry.delivery];
  const bare =
    !entry.recalled && entry.parts.every((part) => part.type === "image" || part.type === "sticker");
  return (
    <div class={classes.filter(Boolean).join(" ")}>
      {first && !entry.mine && entry.author && <p class="author">{entry.author}</p>}
      {first && entry.mine && <span class="unseen">{say("you")}</span>}
      <div class={bare ? "bubble bare" : "bubble"}>
        {entry.recalled ? (
          <p class="text muted">{say("recalled")}</p>
        ) : (
          entry.parts.map((part, index) => (
            <PartView key={index} part={part} chosen={chosen} onPicture={onPicture} />
          ))
        )}
        {entry.delivery === "uploading" && <Progress share={entry.outgoing?.progress ?? 0} />}
      </div>
      {(last || status) && (
        <p class="under">
          {entry.edited && !entry.recalled && <span>{say("edited")}</span>}
          <time dateTime={entry.at}>{clock(entry.at, language)}</time>
          {status && <Status entry={entry} />}
        </p>
      )}
      {(entry.delivery === "failed" || entry.delivery === "uploading") && <Remedies entry={entry} />}
    </div>
  );
}

function Progress({ share }: { share: number }) {
  return (
    <span
      class="progress"
      role="progressbar"
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <i style={{ width: `${share * 100}%` }} />
    </span>
  );
}

function Status({ entry }: { entry: Entry }) {
  const { say } = useDesk();
  switch (entry.delivery) {
    case "waiting":
      return <Mark words={say("waiting")} />;
    case "uploading":
      return <Mark words={say("uploading", { n: Math.round((entry.outgoing?.progress ?? 0) * 100) })} />;
    case "sent":
    case "filed":
      return <Mark icon={<TickIcon size={14} />} words={say("sent")} />;
    case "read":
      return <Mark icon={<TicksIcon size={15} />} words={say("read")} />;
    default:
      return null;
  }
}

function Mark({ icon, words }: { icon?: ComponentChildren; words: string }) {
  return (
    <span class="mark">
      {icon}
      {words}
    </span>
  );
}

function Remedies({ entry }: { entry: Entry }) {
  const { chat, say } = useDesk();
  const error = entry.outgoing?.error;
  if (entry.delivery === "uploading") {
    return (
      <p class="under">
        <button type="button" class="plain" onClick={() => chat.discard(entry.key)}>
          {say("cancel")}
        </button>
      </p>
    );
  }
  const why = error?.message || say(error?.code === "offline" ? "offlineError" : "refused");
  return (
    <p class="under failed" role="alert">
      <span>
        {say("failed")} · {why}
      </span>
      <button type="button" class="plain" onClick={() => chat.retry(entry.key)}>
        {say("retry")}
      </button>
      <button type="button" class="plain" onClick={() => chat.discard(entry.key)}>
        {say("discard")}
      </button>
    </p>
  );
}

function together(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b || a.mine !== b.mine || a.author !== b.author) return false;
  return (
    Math.abs(Date.parse(b.at) - Date.parse(a.at)) < TOGETHER_MS && a.at.slice(0, 10) === b.at.slice(0, 10)
  );
}

function choicesOf(entries: Entry[]): ReadonlySet<string> {
  return new Set(
    entries.flatMap((entry) =>
      entry.mine ? entry.parts.flatMap((p) => (p.type === "choice" ? p.id : [])) : [],
    ),
  );
}

/** Stays at the end while one is there, keeps its place when older messages come in above, never jumps otherwise. */
function useScroll(list: { current: HTMLDivElement | null }, entries: Entry[], onTop: () => void) {
  const [atEnd, setAtEnd] = useState(true);
  const stick = useRef(true);
  const before = useRef({ first: "", height: 0 });
  const top = useRef(onTop);
  top.current = onTop;

  const toEnd = useCallback(() => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [list]);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const first = entries[0]?.key ?? "";
    const grown = element.scrollHeight - before.current.height;
    if (stick.current) toEnd();
    else if (before.current.first && first !== before.current.first) element.scrollTop += grown;
    before.current = { first, height: element.scrollHeight };
  });

  // What one writes oneself is always shown.
  const mine = entries.findLast((entry) => entry.mine)?.key;
  const lastMine = useRef(mine);
  useLayoutEffect(() => {
    if (mine && mine !== lastMine.current && entries.at(-1)?.key === mine) {
      stick.current = true;
      setAtEnd(true);
      toEnd();
    }
    lastMine.current = mine;
  }, [mine, entries, toEnd]);

  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const onScroll = () => {
      stick.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      setAtEnd(stick.current);
      if (element.scrollTop < NEAR) top.current();
    };
    // Pictures grow and the keyboard opens after the drawing.
    const onResize = () => {
      before.current.height = element.scrollHeight;
      if (stick.current) toEnd();
    };
    const sizes = new ResizeObserver(onResize);
    sizes.observe(element);
    if (element.firstElementChild) sizes.observe(element.firstElementChild);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, [list, toEnd]);

  const follow = () => {
    stick.current = true;
    list.current?.scrollTo({ top: list.current.scrollHeight, behavior: "smooth" });
  };
  return { atEnd, follow };
}

/** A message is read when it is on the screen: panel open, page in front, list at its end. */
function useReading(view: View, atEnd: boolean): void {
  const { chat } = useDesk();
  useEffect(() => {
    const read = () => {
      if (atEnd && document.visibilityState === "visible") chat.markRead();
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [chat, atEnd, view.conversation]);
}
