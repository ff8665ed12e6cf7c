// Wires the page: top bar, people, apps, events.
import { h, icon, avatar, mark, toast } from "./dom.js";
import { t, currentLanguage, switchLanguage } from "./words.js";
import { listen, post } from "./api.js";
import { drawPhone, drawMessages } from "./phone.js";
import { drawComposer } from "./composer.js";
import { drawBench } from "./bench.js";
import * as desk from "./model.js";

let query = "";

function theme(next) {
  const value =
    next ||
    localStorage.getItem("sandbox.theme") ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = value;
  if (next) localStorage.setItem("sandbox.theme", next);
  return value;
}

function drawTop() {
  document.documentElement.lang = currentLanguage() === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  const dark = theme() === "dark";
  document.getElementById("top").replaceChildren(
    h(
      "div",
      { class: "brand" },
      h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }),
      h("b", {}, t("title")),
      h("span", {}, t("subtitle")),
    ),
    h(
      "div",
      { class: "top-tools" },
      h(
        "button",
        {
          class: "quiet",
          onclick: () => {
            switchLanguage();
            draw();
          },
        },
        icon("globe", 17),
        currentLanguage() === "zh" ? "English" : "中文",
      ),
      h(
        "button",
        {
          class: "quiet",
          "aria-label": dark ? t("light") : t("dark"),
          onclick: () => {
            theme(dark ? "light" : "dark");
            drawTop();
          },
        },
        icon(dark ? "sun" : "moon", 17),
        dark ? t("light") : t("dark"),
      ),
    ),
  );
}

function chatsOf(customer) {
  return desk.now.state.chats.filter((c) => c.peer === customer.id);
}

const MOST_DOTS = 4;

function personRow(person) {
  const chats = chatsOf(person);
  const apps = [...new Set(chats.map((c) => c.platform))];
  const last = chats[0],
    unread = chats.reduce((n, c) => n + c.unread, 0);
  const text = last?.last ? last.last.title || last.last.text || t(last.last.kind) : `+${person.phone}`;
  return h(
    "button",
    {
      class: `person ${person.id === desk.now.customer ? "current" : ""}`,
      onclick: () =>
        desk.choose({
          customer: person.id,
          room: desk.now.room.startsWith("g") ? "" : desk.now.room,
          ...(last && !chats.some((c) => c.platform === desk.now.platform)
            ? { platform: last.platform }
            : {}),
        }),
    },
    avatar(person, 38),
    h("span", { class: "person-text" }, h("b", {}, person.name), h("small", {}, text)),
    h(
      "span",
      { class: "person-marks" },
      apps
        .slice(0, MOST_DOTS)
        .map((p) => h("i", { class: `dot ${desk.style(p)}`, style: desk.tone(p) })),
      apps.length > MOST_DOTS ? h("small", {}, `+${apps.length - MOST_DOTS}`) : null,
      unread ? h("span", { class: "badge" }, unread) : null,
    ),
  );
}

function drawPeople() {
  const list = desk.now.state.customers.filter((c) =>
    `${c.name} ${c.phone} ${c.email}`.toLowerCase().includes(query.toLowerCase()),
  );
  const latest = (c) => chatsOf(c)[0]?.last_at || 0;
  list.sort((a, b) => latest(b) - latest(a));
  const box = document.querySelector(".people-list");
  if (box) return box.replaceChildren(...list.map(personRow));
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    value: query,
    oninput: () => {
      query = search.value;
      drawPeople();
    },
  });
  const name = h("input", {
    placeholder: t("newName"),
    onkeydown: (e) => e.key === "Enter" && !e.isComposing && add(),
  });
  const add = async () => {
    if (!name.value.trim()) return name.focus();
    const made = await post("/sandbox/customers", { name: name.value.trim() });
    name.value = "";
    await desk.choose({ customer: made.id });
  };
  document.getElementById("people").replaceChildren(
    h("h2", {}, t("customers")),
    search,
    h("div", { class: "people-list" }, list.map(personRow)),
    h(
      "div",
      { class: "add-row" },
      name,
      h(
        "button",
        {
          class: "quiet",
          "aria-label": t("add"),
          title: t("add"),
          onclick: add,
        },
        icon("plus", 18),
      ),
    ),
  );
}

function drawApps() {
  const apps = document.getElementById("apps");
  apps.className = desk.faces().length > 6 ? "many" : "";
  apps.replaceChildren(
    ...desk.faces().map((face) => {
      const p = face.name;
      const unread = desk.now.state.chats
        .filter((c) => c.platform === p && c.peer === desk.now.customer)
        .reduce((n, c) => n + c.unread, 0);
      return h(
        "button",
        {
          class: `app ${desk.style(p)} ${p === desk.now.platform ? "current" : ""}`,
          style: desk.tone(p),
          title: desk.title(p),
          "aria-pressed": p === desk.now.platform,
          onclick: () => desk.choose({ platform: p }),
        },
        h(
          "span",
          { class: "app-mark" },
          mark(face, 26),
          unread ? h("span", { class: "badge" }, unread) : null,
        ),
        h("small", {}, desk.title(p)),
      );
    }),
  );
}

function draw() {
  document.getElementById("people").replaceChildren();
  drawTop();
  drawPeople();
  drawApps();
  drawPhone();
  drawBench();
}

let refreshing;
function refresh() {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    await desk.load();
    drawPeople();
    drawApps();
    drawMessages(false);
    drawComposer();
    drawBench();
  }, 250);
}

async function heard(event) {
  if (event.type === "bubble" && event.chat === desk.key()) {
    const fresh = desk.upsert(event.bubble);
    drawMessages(fresh);
    if (fresh && event.bubble.side === "business") {
      delete desk.now.typing[event.chat];
      refresh();
    } else if (fresh) refresh();
  } else if (event.type === "bubble") refresh();
  else if (event.type === "typing") {
    desk.now.typing[event.chat] = Date.now() + event.seconds * 1000;
    drawMessages();
    setTimeout(drawMessages, event.seconds * 1000 + 50);
  } else if (event.type === "notice" && event.chat === desk.key()) {
    if (event.text) toast(event.text);
  } else if (event.type !== "hello") {
    await desk.load();
    draw();
  }
}

let lost = false;
async function connected(up) {
  if (!up) {
    lost = true;
    return toast(t("offline"));
  }
  if (lost) {
    lost = false;
    await desk.load();
    draw();
  }
}

theme();
desk.now.customer = sessionStorage.getItem("sandbox.customer") || "";
desk.now.platform = sessionStorage.getItem("sandbox.platform") || "whatsapp";
desk.onRedraw(draw);
document.addEventListener("visibilitychange", () => document.hidden || desk.seen());
await desk.load();
draw();
listen(heard, connected);
setInterval(drawBench, 20000);
