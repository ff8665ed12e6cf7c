// Below the messages: input, attachments, voice, the bot's keyboard.
import { h, icon, toast } from "./dom.js";
import { either, t } from "./words.js";
import { upload } from "./api.js";
import { sheet } from "./sheet.js";
import * as desk from "./model.js";

const PLACES = [
  [31.2397, 121.4903],
  [3.1553, 101.7144],
  [52.5219, 13.4132],
];
let recorder = null;

// What was typed but not sent, by chat: redrawing must not lose it.
const drafts = new Map();
function draft() {
  const key = desk.key();
  if (!drafts.has(key)) drafts.set(key, { text: "", subject: "", reply: null, edit: null });
  return drafts.get(key);
}

export function startReply(bubble) {
  Object.assign(draft(), { reply: bubble, edit: null });
  drawComposer();
  document.querySelector(".composer textarea").focus();
}

export function startEdit(bubble) {
  Object.assign(draft(), { edit: bubble, reply: null, text: bubble.text });
  drawComposer();
  document.querySelector(".composer textarea").focus();
}

function kindOf(file) {
  const major = file.type.split("/")[0];
  return ["image", "video", "audio"].includes(major) ? major : "document";
}

async function sendFile(file, extra = {}) {
  const key = await upload(file, file.name || "voice.ogg");
  await desk.play({
    type: extra.type || kindOf(file),
    file: key,
    text: "",
    ...extra,
  });
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
      sendFile(new File(chunks, `voice.${type.slice(6)}`, { type }), {
        type: "voice",
      });
    };
    recorder.start();
    button.classList.add("on");
    toast(t("recording"));
  } catch {
    toast(t("noMicrophone"));
  }
}

function attach() {
  const { platform } = desk.now;
  const file = h("input", {
    type: "file",
    multiple: platform === "telegram",
    onchange: () => [...file.files].forEach((f) => sendFile(f)),
  });
  const { files } = desk.face();
  const rows = files && !files.length ? [] : [{ title: t("photo"), icon: "photo", act: () => file.click() }];
  if (platform === "whatsapp" || platform === "telegram") {
    rows.push({
      title: t("location"),
      icon: "pin",
      act: () =>
        sheet(
          t("location"),
          PLACES.map(([latitude, longitude], i) => ({
            title: t("places")[i],
            icon: "pin",
            act: () =>
              desk.play({
                type: "location",
                location: { latitude, longitude, name: t("places")[i] },
              }),
          })),
        ),
    });
    const person = desk.customer();
    rows.push({
      title: t("contact"),
      icon: "card",
      act: () =>
        desk.play(
          platform === "telegram"
            ? { type: "contact" }
            : {
                type: "contacts",
                contacts: [
                  {
                    name: {
                      formatted_name: person.name,
                      first_name: person.name,
                    },
                    phones: [
                      {
                        phone: `+${person.phone}`,
                        wa_id: person.phone,
                        type: "CELL",
                      },
                    ],
                  },
                ],
              },
        ),
    });
  }
  for (const move of desk.face().moves || [])
    rows.push({ title: either(move), icon: "bolt", act: () => make(move) });
  sheet("", rows);
}

// A platform's own act (follow, scan, press a menu …), after asking for what it needs.
function make(move) {
  if (!move.ask) return desk.play(move.wish);
  const said = prompt(either(move), "");
  if (said?.trim()) desk.play({ ...move.wish, [move.ask]: said.trim() });
}

async function submit() {
  const current = draft(),
    text = current.text.trim();
  if (!text) return;
  const { edit, reply, subject } = current;
  Object.assign(current, { text: "", subject: "", reply: null, edit: null });
  drawComposer(true);
  document.querySelector(".composer textarea")?.focus();
  if (edit) await desk.play({ type: "edit", target: edit.id, text });
  else
    await desk.play({
      type: "text",
      text,
      reply_to: reply?.id,
      subject: subject.trim() || undefined,
    });
}

function textField(mail) {
  const current = draft();
  const fit = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(110, Math.max(mail ? 92 : 37, input.scrollHeight))}px`;
  };
  const input = h("textarea", {
    rows: mail ? 4 : 1,
    class: mail ? "long" : "",
    placeholder: t("message"),
    "aria-label": t("message"),
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !mail) {
        event.preventDefault();
        submit();
      }
    },
    oninput: () => {
      current.text = input.value;
      fit();
    },
  });
  input.value = current.text;
  return input;
}

function subjectField() {
  const current = draft();
  const input = h("input", {
    class: "subject",
    placeholder: t("subject"),
    oninput: () => (current.subject = input.value),
  });
  input.value = current.subject;
  return input;
}

function round(name, title, onclick, extra = "") {
  return h(
    "button",
    { class: `round ${extra}`, title, "aria-label": title, onclick },
    icon(name, extra ? 18 : 20),
  );
}

function aboutRow(about) {
  const stop = () => {
    Object.assign(draft(), {
      reply: null,
      edit: null,
      text: draft().edit ? "" : draft().text,
    });
    drawComposer();
  };
  const words = h("span", {}, h("b", {}, draft().edit ? t("edit") : t("reply")), about.text.slice(0, 60));
  return h("div", { class: "about" }, words, round("close", t("cancel"), stop, "small"));
}

function keyboard(rows) {
  const press = (button) => desk.play({ type: "press", button: button.id });
  const keys = (row) => row.map((b) => h("button", { onclick: () => press(b) }, b.title));
  return h(
    "div",
    { class: "keys" },
    rows.map((row) => h("div", {}, keys(row))),
  );
}

function content(chat, mail) {
  if (chat?.blocked) {
    const undo = h("button", { onclick: () => desk.act("unblock") }, t("unblock"));
    return [h("div", { class: "blocked" }, t("blocked"), undo)];
  }
  const about = draft().edit || draft().reply;
  const mic = round("mic", t("voice"), () => record(mic));
  const send = round("send", t("send"), submit, "send");
  const row = [round("plus", t("attach"), attach), textField(mail), mail ? null : mic, send];
  return [
    about ? aboutRow(about) : null,
    mail ? subjectField() : null,
    h("div", { class: "input-row" }, row),
    chat?.keyboard.length ? keyboard(chat.keyboard) : null,
  ].filter(Boolean);
}

// Redrawn only when something other than the text changed: a person may be typing right now.
export function drawComposer(force = false) {
  const holder = document.querySelector(".composer");
  if (!holder) return;
  const chat = desk.chat(),
    current = draft();
  const look = JSON.stringify([
    desk.key(),
    Boolean(chat?.blocked),
    chat?.keyboard || [],
    current.reply?.id,
    current.edit?.id,
    t("message"),
  ]);
  if (!force && holder.dataset.look === look) return;
  holder.dataset.look = look;
  const typing = document.activeElement?.matches(".composer textarea");
  holder.replaceChildren(...content(chat, desk.now.platform === "email"));
  if (typing) holder.querySelector("textarea")?.focus();
}
