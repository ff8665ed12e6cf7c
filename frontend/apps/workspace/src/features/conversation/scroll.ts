import type { Message } from "@switchboard/protocol";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Pixels from an edge that still count as being there. */
const NEAR_END = 48;
const NEAR_EDGE = 240;

interface Input {
  messages: Message[];
  pending: number;
  at: number | undefined;
  older: () => void;
  newer: () => void;
}

/**
 * Keeps what is being read where it is: follows the end only while the reader is at the end, holds the place when
 * older messages are put above, and counts what arrived below meanwhile.
 */
export function useAnchoredScroll({ messages, pending, at, older, newer }: Input) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stick = useRef(at === undefined);
  const before = useRef<{ first?: string; last?: string; height: number; pending: number; shown: boolean }>({
    height: 0,
    pending: 0,
    shown: false,
  });
  const [atEnd, setAtEnd] = useState(at === undefined);
  const [unseen, setUnseen] = useState(0);

  const toEnd = useCallback(() => {
    const element = box.current;
    if (!element) return;
    stick.current = true;
    element.scrollTop = element.scrollHeight;
    setUnseen(0);
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const was = before.current;
    const first = messages.at(0)?.id;
    const last = messages.at(-1)?.id;
    const sentMore = pending > was.pending;
    if (!was.shown && at !== undefined) {
      element.querySelector(`[data-position="${at}"]`)?.scrollIntoView({ block: "center" });
    } else if (stick.current || sentMore) {
      stick.current = true;
      element.scrollTop = element.scrollHeight;
    } else if (was.first !== undefined && first !== was.first && last === was.last) {
      element.scrollTop += element.scrollHeight - was.height;
    } else if (was.last !== undefined && last !== was.last) {
      const known = messages.findIndex((m) => m.id === was.last);
      if (known >= 0)
        setUnseen((n) => n + messages.slice(known + 1).filter((m) => m.direction === "in").length);
    }
    before.current = { first, last, height: element.scrollHeight, pending, shown: true };
  }, [messages, pending, at]);

  useEffect(() => {
    const element = content.current;
    if (!element) return;
    // Pictures that load late make the content taller.
    const observer = new ResizeObserver(() => {
      if (stick.current && box.current) box.current.scrollTop = box.current.scrollHeight;
      before.current.height = box.current?.scrollHeight ?? 0;
    });
    observer.observe(element);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    stick.current = below < NEAR_END;
    setAtEnd(stick.current);
    if (stick.current) setUnseen(0);
    if (element.scrollTop < NEAR_EDGE) older();
    if (below < NEAR_EDGE) newer();
  };

  return { box, content, onScroll, toEnd, atEnd, unseen };
}
