/** The chat as React sees it: it runs while the app is in front, and every change draws anew. */
import AsyncStorage from "@react-native-async-storage/async-storage";
import { Chat, type Phase } from "@switchboard/sdk";
import { useEffect, useState } from "react";
import { AppState, Platform } from "react-native";

/** Your installation and the site key of its channel. */
const SERVER = "https://contact.example";
const CHANNEL = "THE-SITE-KEY";
/** Your own server: it knows who is signed in, and answers with a token as docs/how-to/app-sdk.md says. */
const TOKENS = "https://shop.example/chat-token";

export const chat = new Chat({
  server: SERVER,
  channel: CHANNEL,
  language: "en",
  platform: { storage: AsyncStorage },
  hostToken: async () => {
    const answer = await fetch(TOKENS, { method: "POST" });
    if (!answer.ok) throw new Error(`No token: ${answer.status}`);
    return answer.text();
  },
});

export interface View {
  timeline: typeof chat.timeline;
  typing: string | null;
  phase: Phase;
}

const view = (): View => ({ timeline: chat.timeline, typing: chat.state.typing, phase: chat.phase });

export function useChat(): View {
  const [shown, show] = useState(view);
  useEffect(() => {
    const draw = () => show(view());
    const ends = [chat.on("change", draw), chat.on("phase", draw)];
    const front = AppState.addEventListener("change", (state) => {
      if (state === "active") void chat.start();
      // On iOS also during a call or the app switcher, where the line may stay.
      else if (state === "background") chat.stop();
    });
    void chat.start();
    return () => {
      front.remove();
      for (const end of ends) end();
      chat.stop();
    };
  }, []);
  return shown;
}

/**
 * Lets the phone be woken. `token` comes from the push library of your app, at every start: the APNs token on iOS,
 * Firebase's on Android.
 */
export function wakeBy(token: string): Promise<void> {
  return chat.registerDevice(Platform.OS === "ios" ? "apns" : "fcm", token);
}
