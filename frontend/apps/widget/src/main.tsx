import { render } from "preact";
import { Chat } from "./chat";
import { inkOn, isColour } from "./colour";
import type { Events } from "./events";
import { chooseLanguage, readOptions, type Options } from "./options";
import css from "./style.css?inline";
import { App, type Controls } from "./ui/App";
import type { Config, User } from "./wire";
import { speak } from "./words";

interface PublicApi {
  open(): void;
  close(): void;
  toggle(): void;
  setUser(user: User | null): void;
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void;
}

declare global {
  interface Window {
    Switchboard?: PublicApi;
  }
}

/** `currentScript` is null when a tag manager runs the source as a module or by hand. */
function ownTag(): HTMLScriptElement | null {
  const running = document.currentScript;
  if (running instanceof HTMLScriptElement) return running;
  return document.querySelector('script[data-channel][src*="widget.js"]');
}

/** A shadow tree keeps our style from the page and the page's from us. */
function plant(options: Options): ShadowRoot {
  const host = document.createElement("switchboard-chat");
  const root = host.attachShadow({ mode: "open" });
  if ("adoptedStyleSheets" in root && "replaceSync" in CSSStyleSheet.prototype) {
    // Not subject to the page's `style-src`, as a style element would be.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } else {
    const style = document.createElement("style");
    style.nonce = options.nonce;
    style.textContent = css;
    root.append(style);
  }
  document.body.append(host);
  return root;
}

function start(options: Options): void {
  const chat = new Chat(options);
  let controls: Controls | null = null;
  let wanted: boolean | null = null;
  const set = (open: boolean) => {
    if (controls) controls.set(open);
    else wanted = open;
  };

  window.Switchboard = {
    open: () => set(true),
    close: () => set(false),
    toggle: () => set(!(controls?.isOpen() ?? wanted ?? false)),
    setUser: (user) => chat.setUser(user),
    on: (name, listener) => chat.events.on(name, listener),
  };
  window.dispatchEvent(new CustomEvent("switchboard:ready"));

  const draw = (config: Config) => {
    const wishes = [options.language, document.documentElement.lang, ...navigator.languages];
    const language = chooseLanguage(wishes, config.languages);
    chat.setLanguage(language);
    const root = plant(options);
    const colour = isColour(config.colour) ? config.colour : "#1f6feb";
    const mount = document.createElement("div");
    mount.style.setProperty("--brand", colour);
    mount.style.setProperty("--brand-ink", inkOn(colour));
    root.append(mount);
    render(
      <App
        chat={chat}
        language={language}
        say={speak(language)}
        theme={options.theme}
        startOpen={wanted}
        onControls={(given) => (controls = given)}
      />,
      mount,
    );
  };

  // A channel that does not exist (any more) leaves the page as it is.
  chat.boot().then(draw, () => undefined);
  followPage(chat);
}

/** The page's own life: sleep, wake, network, and moving on without a reload. */
function followPage(chat: Chat): void {
  const look = () => chat.lookAt(location.href, document.title);
  addEventListener("online", () => chat.resume());
  // An open socket keeps a page from the browser's back/forward cache.
  addEventListener("pagehide", () => chat.disconnect());
  addEventListener("pageshow", (event) => {
    if (event.persisted) chat.resume();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") chat.resume();
  });
  addEventListener("popstate", look);
  const navigation = (window as { navigation?: EventTarget }).navigation;
  navigation?.addEventListener("navigatesuccess", look);
}

const tag = ownTag();
const options = tag && readOptions(tag);
if (options && !window.Switchboard) {
  if (document.body) start(options);
  else addEventListener("DOMContentLoaded", () => start(options));
}
