// The phone: header, messages, keyboard, input.
import { h, icon, avatar, toast } from "./dom.js";
import { t, locale } from "./words.js";
import { upload } from "./api.js";
import { bubbleView, dayOf } from "./bubbles.js";
import * as desk from "./model.js";

const PLACES = [[31.2397, 121.4903], [3.1553, 101.7144], [52.5219, 13.4132]];
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
let replyTo = null, editing = null, recorder = null;

function kindOf(file) {
  const major = file.type.split("/")[0];
  return ["image", "video", "audio"].includes(major) ? major : "document";
}

async function sendFile(file, extra = {}) {
  const key = await upload(file, file.name || "voice.ogg");
  await desk.play({ type: extra.type || kindOf(file), file: key, text: "", ...extra });
}

async function record(button) {
  if (recorder) return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const type = MediaRecorder.isTypeSupported("audio/ogg;codecs=opus") ? "audio/ogg" : "audio/webm";
    recorder = new MediaRecorder(stream);
    const chunks = [];
    recorder.ondataavailable = (e) => chunks.push(e.data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      button.classList.remove("on");
      sendFile(new File(chunks, `voice.${type.slice(6)}`, { type }), { type: "voice" });
    };
    recorder.start();
    button.classList.add("on");
    toast(t("recording"));
  } catch {
    toast(t("noMicrophone"));
  }
}

function sheet(title, rows) {
  const close = () => box.remove();
  const box = h("div", { class: "sheet-back", onclick: (e) => e.target === box && close() },
    h("div", { class: "sheet" }, title ? h("h3", {}, title) : null,
      rows.map((r) => h("button", { class: r.danger ? "danger" : "", onclick: () => { close(); r.act(); } }, r.icon ? icon(r.icon) : null, h("span", {}, r.title, r.text ? h("small", {}, r.text) : null)))));
  document.querySelector(".screen").append(box);
  return box;
}

const act = {
  press(bubble, button) {
    if (button.kind === "url") return window.open(button.url, "_blank", "noopener");
    return desk.play({ type: "press", reply_to: bubble.id, button: button.id });
  },
  list(bubble, rows) {
    sheet(t("choose"), rows.map((b) => ({ title: b.title, text: b.description, act: () => act.press(bubble, b) })));
  },
  menu(bubble) {
    const mine = bubble.side === "customer", { platform } = desk.now;
    if (bubble.revoked) return;
    const rows = [{ title: t("reply"), icon: "back", act: () => { replyTo = bubble; drawComposer(); } }];
    if (mine && platform !== "email" && platform !== "custom") {
      if (bubble.text) rows.push({ title: t("edit"), icon: "card", act: () => { editing = bubble; drawComposer(); } });
      rows.push({ title: t("revoke"), icon: "close", danger: true, act: () => desk.play({ type: "revoke", target: bubble.id }) });
    }
    const box = sheet("", rows);
    if (platform === "whatsapp" || platform === "telegram") {
      const react = (emoji) => { box.remove(); desk.play({ type: "reaction", target: bubble.id, emoji: bubble.reactions.customer === emoji ? "" : emoji }); };
      box.querySelector(".sheet").prepend(h("div", { class: "emoji-row" }, EMOJI.map((e) => h("button", { onclick: () => react(e) }, e))));
    }
  },
};

function attach() {
  const { platform } = desk.now;
  const file = h("input", { type: "file", multiple: platform === "telegram", onchange: () => [...file.files].forEach((f) => sendFile(f)) });
  const rows = [{ title: t("photo"), icon: "photo", act: () => file.click() }];
  if (platform === "whatsapp" || platform === "telegram") {
    rows.push({ title: t("location"), icon: "pin", act: () => sheet(t("location"), PLACES.map(([latitude, longitude], i) => ({ title: t("places")[i], icon: "pin", act: () => desk.play({ type: "location", location: { latitude, longitude, name: t("places")[i] } }) }))) });
    const person = desk.customer();
    rows.push({ title: t("contact"), icon: "card", act: () => desk.play(platform === "telegram" ? { type: "contact" } : { type: "contacts", contacts: [{ name: { formatted_name: person.name, first_name: person.name }, phones: [{ phone: `+${person.phone}`, wa_id: person.phone, type: "CELL" }] }] }) });
  }
  sheet("", rows);
}

async function submit(input, subject) {
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  if (editing) {
    await desk.play({ type: "edit", target: editing.id, text });
    editing = null;
  } else {
    await desk.play({ type: "text", text, reply_to: replyTo?.id, subject: subject?.value.trim() || undefined });
    replyTo = null;
    if (subject) subject.value = "";
  }
  drawComposer();
}

export function drawComposer() {
  const holder = document.querySelector(".composer");
  if (!holder) return;
  const chat = desk.chat(), mail = desk.now.platform === "email";
  if (chat?.blocked) {
    holder.replaceChildren(h("div", { class: "blocked" }, t("blocked"), h("button", { onclick: () => desk.act("unblock") }, t("unblock"))));
    return;
  }
  const old = holder.querySelector("textarea")?.value || "";
  const subject = mail ? h("input", { class: "subject", placeholder: t("subject") }) : null;
  const input = h("textarea", { rows: mail ? 4 : 1, class: mail ? "long" : "", placeholder: t("message"), "aria-label": t("message"),
    onkeydown: (e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing && !mail) { e.preventDefault(); submit(input, subject); } },
    oninput: () => { input.style.height = "auto"; input.style.height = `${Math.min(110, input.scrollHeight)}px`; } });
  input.value = editing ? editing.text : old;
  const about = editing || replyTo;
  const mic = h("button", { class: "round", title: t("voice"), "aria-label": t("voice"), onclick: () => record(mic) }, icon("mic"));
  holder.replaceChildren(
    ...(about ? [h("div", { class: "about" }, h("span", {}, h("b", {}, editing ? t("edit") : t("reply")), about.text.slice(0, 60) || t(about.kind)), h("button", { class: "round small", "aria-label": t("cancel"), onclick: () => { editing = replyTo = null; drawComposer(); } }, icon("close", 15)))] : []),
    ...(subject ? [subject] : []),
    h("div", { class: "input-row" }, h("button", { class: "round", title: t("attach"), "aria-label": t("attach"), onclick: attach }, icon("plus")), input,
      ...(desk.now.platform === "email" ? [] : [mic]),
      h("button", { class: "round send", title: t("send"), "aria-label": t("send"), onclick: () => submit(input, subject) }, icon("send", 18))),
    ...((chat?.keyboard || []).length ? [h("div", { class: "keys" }, chat.keyboard.map((row) => h("div", {}, row.map((b) => h("button", { onclick: () => desk.play({ type: "press", button: b.id }) }, b.title)))))] : []),
  );
  if (about) input.focus();
}

export function drawMessages(stick = true) {
  const box = document.querySelector(".messages");
  if (!box) return;
  const { bubbles } = desk.now, people = desk.people();
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const made = [];
  let day = "";
  for (const bubble of bubbles) {
    const today = dayOf(bubble.at);
    if (today !== day) made.push(h("div", { class: "day" }, today));
    day = today;
    made.push(bubbleView(bubble, bubbles, desk.now.platform, act, desk.now.room ? people : {}));
  }
  if (!bubbles.length) made.push(h("div", { class: "blank" }, h("span", { class: "blank-mark" }, icon(desk.now.platform, 34)), h("b", {}, t("empty")), h("span", {}, t("emptyHint"))));
  if (desk.isTyping()) made.push(h("div", { class: "line theirs" }, h("div", { class: "bubble dots" }, h("i"), h("i"), h("i"))));
  box.replaceChildren(...made);
  const rest = document.querySelector(".presence");
  if (rest) rest.textContent = desk.isTyping() ? t("typing") : desk.subtitle();
  if (stick || atEnd) box.scrollTop = box.scrollHeight;
  box.querySelectorAll("img,video").forEach((m) => m.addEventListener("load", () => { if (atEnd || stick) box.scrollTop = box.scrollHeight; }));
}

function header(account) {
  const rooms = desk.rooms();
  const change = (e) => desk.choose({ room: e.target.value });
  return h("div", { class: "app-bar" },
    h("span", { class: "shop" }, icon(desk.now.platform, 20)),
    h("div", { class: "who" },
      desk.accountsHere().length > 1
        ? h("select", { "aria-label": t("connection"), onchange: (e) => desk.choose({ account: e.target.value, room: "" }) }, desk.accountsHere().map((a) => h("option", { value: a.id, selected: a.id === account.id }, desk.label(a))))
        : h("b", {}, desk.label(account)),
      h("span", { class: "presence" }, desk.subtitle())),
    rooms.length > 1 ? h("select", { class: "rooms", "aria-label": t("allChats"), onchange: change }, rooms.map((r) => h("option", { value: r.value, selected: r.value === desk.now.room }, r.title))) : null);
}

export function drawPhone() {
  const account = desk.account();
  const time = new Date(Date.now() + desk.now.offset * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false });
  const person = desk.customer();
  const status = h("div", { class: "status-bar" }, h("span", { class: "status-time" }, time), h("span", { class: "island" }), h("span", { class: "status-icons" }, h("i", { class: "bars" }), h("i", { class: "battery" })));
  const inside = account
    ? [header(account), h("div", { class: "messages" }), h("div", { class: "composer" })]
    : [h("div", { class: "app-bar" }, h("span", { class: "shop" }, icon(desk.now.platform, 20)), h("div", { class: "who" }, h("b", {}, t(desk.now.platform)))),
      h("div", { class: "messages" }, h("div", { class: "blank" }, h("span", { class: "blank-mark" }, icon(desk.now.platform, 34)), h("b", {}, t("noAccount")), h("span", {}, t("noAccountHint")), h("button", { class: "primary", onclick: desk.createAccount }, t("createAccount"))))];
  const frame = h("div", { class: `frame ${desk.now.platform}` }, h("div", { class: "screen" }, status, inside, h("div", { class: "home-bar" })));
  const owner = person ? h("div", { class: "owner" }, avatar(person, 22), person.name) : null;
  document.getElementById("phone").replaceChildren(frame, owner || "");
  replyTo = editing = null;
  if (account) { drawMessages(); drawComposer(); }
}

