import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Chat, View } from "../chat";
import type { Language } from "../options";
import type { Say } from "../words";

/** What every part of the screen needs. */
export interface Desk {
  chat: Chat;
  language: Language;
  say: Say;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("outside of the widget");
  return desk;
}

export function useView(chat: Chat): View {
  const [view, setView] = useState(chat.view);
  useEffect(() => {
    setView(chat.view);
    return chat.watch(() => setView(chat.view));
  }, [chat]);
  return view;
}
