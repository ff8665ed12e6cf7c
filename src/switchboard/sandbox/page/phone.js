// The phone: header and messages.
import { h, icon, avatar, mark } from "./dom.js";
import { t, locale } from "./words.js";
import { bubbleView, dayOf } from "./bubbles.js";
import { drawComposer, startEdit, startReply } from "./composer.js";
import { sheet } from "./sheet.js";
import * as desk from "./model.js";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const act = {
  press(bubble, button) {
    if (button.kind === "url") return window.open(button.url, "_blank", "noopener");
    return desk.play({ type: "press", reply_to: bubble.id, button: button.id });
  },
  list(bubble, rows) {
    sheet(
      t("choose"),
      rows.map((b) => ({
        title: b.title,
        text: b.description,
        act: () => act.press(bubble, b),
      })),
    );
  },
  menu(bubble) {
    const mine = bubble.side === "customer",
      can = (what) => desk.face().menu.includes(what);
    if (bubble.revoked) return;
    const rows = [{ title: t("reply"), icon: "back", act: () => startReply(bubble) }];
    if (mine && can("edit") && bubble.text)
      rows.push({
        title: t("edit"),
        icon: "card",
        act: () => startEdit(bubble),
      });
    if (mine && can("revoke"))
      rows.push({
        title: t("revoke"),
        icon: "close",
        danger: true,
        act: () => desk.play({ type: "revoke", target: bubble.id }),
      });
    const box = sheet("", rows);
    if (can("reaction")) {
      const react = (emoji) => {
        box.remove();
        desk.play({
          type: "reaction",
          target: bubble.id,
          emoji: bubble.reactions.customer === emoji ? "" : emoji,
        });
      };
      box.querySelector(".sheet").prepend(
        h(
          "div",
          { class: "emoji-row" },
          EMOJI.map((e) => h("button", { onclick: () => react(e) }, e)),
        ),
      );
    }
  },
};

export function drawMessages(stick = true) {
  const box = document.querySelector(".messages");
  if (!box || !desk.account()) return;
  const { bubbles } = desk.now,
    people = desk.people();
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const made = [];
  let day = "";
  for (const bubble of bubbles) {
    const today = dayOf(bubble.at);
    if (today !== day) made.push(h("div", { class: "day" }, today));
    day = today;
    made.push(bubbleView(bubble, bubbles, desk.now.platform, act, desk.now.room ? people : {}));
  }
  if (!bubbles.length)
    made.push(
      h(
        "div",
        { class: "blank" },
        h("span", { class: "blank-mark" }, mark(desk.face(), 34)),
        h("b", {}, t("empty")),
        h("span", {}, t("emptyHint")),
      ),
    );
  if (desk.isTyping())
    made.push(h("div", { class: "line theirs" }, h("div", { class: "bubble dots" }, h("i"), h("i"), h("i"))));
  box.replaceChildren(...made);
  const rest = document.querySelector(".presence");
  if (rest) rest.textContent = desk.isTyping() ? t("typing") : desk.subtitle();
  if (stick || atEnd) box.scrollTop = box.scrollHeight;
  box.querySelectorAll("img,video").forEach((m) =>
    m.addEventListener("load", () => {
      if (atEnd || stick) box.scrollTop = box.scrollHeight;
    }),
  );
}

function header(account) {
  const rooms = desk.rooms();
  const change = (e) => desk.choose({ room: e.target.value });
  return h(
    "div",
    { class: "app-bar" },
    h("span", { class: "shop" }, mark(desk.face(), 20)),
    h(
      "div",
      { class: "who" },
      desk.accountsHere().length > 1
        ? h(
            "select",
            {
              "aria-label": t("connection"),
              onchange: (e) => desk.choose({ account: e.target.value, room: "" }),
            },
            desk
              .accountsHere()
              .map((a) => h("option", { value: a.id, selected: a.id === account.id }, desk.label(a))),
          )
        : h("b", {}, desk.label(account)),
      h("span", { class: "presence" }, desk.subtitle()),
    ),
    rooms.length > 1
      ? h(
          "select",
          { class: "rooms", "aria-label": t("allChats"), onchange: change },
          rooms.map((r) => h("option", { value: r.value, selected: r.value === desk.now.room }, r.title)),
        )
      : null,
  );
}

let drawn = "";

// A new frame only for another chat or language; otherwise what is open in it stays.
export function drawPhone() {
  const account = desk.account();
  const look = JSON.stringify([
    desk.key(),
    account && desk.label(account),
    desk.rooms(),
    desk.accountsHere().length,
    desk.customer()?.name,
    desk.now.offset,
    t("message"),
  ]);
  if (look === drawn) {
    drawMessages(false);
    drawComposer();
    return;
  }
  drawn = look;
  const time = new Date(Date.now() + desk.now.offset * 1000).toLocaleTimeString(locale(), {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
  const person = desk.customer();
  const status = h(
    "div",
    { class: "status-bar" },
    h("span", { class: "status-time" }, time),
    h("span", { class: "island" }),
    h("span", { class: "status-icons" }, h("i", { class: "bars" }), h("i", { class: "battery" })),
  );
  const inside = account
    ? [header(account), h("div", { class: "messages" }), h("div", { class: "composer" })]
    : [
        h(
          "div",
          { class: "app-bar" },
          h("span", { class: "shop" }, mark(desk.face(), 20)),
          h("div", { class: "who" }, h("b", {}, desk.title())),
        ),
        h(
          "div",
          { class: "messages" },
          h(
            "div",
            { class: "blank" },
            h("span", { class: "blank-mark" }, mark(desk.face(), 34)),
            h("b", {}, t("noAccount")),
            h("span", {}, t("noAccountHint")),
            h("button", { class: "primary", onclick: desk.createAccount }, t("createAccount")),
          ),
        ),
      ];
  const frame = h(
    "div",
    { class: `frame ${desk.style()}`, style: desk.tone() },
    h("div", { class: "screen" }, status, inside, h("div", { class: "home-bar" })),
  );
  const owner = person ? h("div", { class: "owner" }, avatar(person, 22), person.name) : null;
  document.getElementById("phone").replaceChildren(frame, owner || "");
  if (account) {
    drawMessages();
    drawComposer();
  }
}
