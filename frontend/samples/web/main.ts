import { Chat, type OutgoingFile } from "@switchboard/sdk";
import { bubble } from "./draw";
import { press } from "./voice";

/** What `server.mjs` tells the page: where the installation is, and who is signed in here. */
interface Setup {
  server: string;
  channel: string;
}

const { server, channel } = (await (await fetch("/setup")).json()) as Setup;
const chat = new Chat({ server, channel, language: "en", hostToken });

async function hostToken(): Promise<string> {
  const answer = await fetch("/chat-token", { method: "POST" });
  if (!answer.ok) throw new Error(`No token: ${answer.status}`);
  return answer.text();
}

function element<Type extends HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}
const talk = element("talk");
const words = element<HTMLInputElement>("words");
const unread = element("unread");

function draw(): void {
  const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  element("bubbles").replaceChildren(...chat.timeline.map((entry) => bubble(chat, entry)));
  element("older").hidden = !chat.state.more;
  element("state").textContent = chat.phase === "ready" ? (chat.state.agent?.name ?? "") : "connecting…";
  if (atEnd) talk.scrollTop = talk.scrollHeight;
  if (atEnd && document.visibilityState === "visible") chat.markRead();
}

chat.on("change", draw);
chat.on("phase", draw);
chat.on("typing", (name) => (element("typing").textContent = name ? `${name} is typing…` : ""));
chat.on("unread", (count) => {
  unread.hidden = count === 0;
  unread.textContent = String(count);
});
chat.on("error", (error) => (element("state").textContent = error.message));

element<HTMLFormElement>("composer").onsubmit = (event) => {
  event.preventDefault();
  if (words.value.trim()) chat.sendText(words.value.trim());
  words.value = "";
};
words.oninput = () => chat.typing();

element<HTMLInputElement>("file").onchange = ({ target }) => {
  const input = target as HTMLInputElement;
  for (const file of input.files ?? []) {
    const { name, type, size } = file;
    const given: OutgoingFile = { name, mime: type, content: file, size, preview: URL.createObjectURL(file) };
    if (type.startsWith("image/")) chat.sendImage(given);
    else if (type.startsWith("video/")) chat.sendVideo(given);
    else chat.sendFile(given);
  }
  input.value = "";
};
element("voice").onclick = async ({ currentTarget }) => {
  const recording = await press((note) => chat.sendVoice(note));
  (currentTarget as HTMLElement | null)?.setAttribute("aria-pressed", String(recording));
};
element("older").onclick = () => void chat.loadOlder();
element("leave").onclick = () => void chat.signOut();

addEventListener("online", () => chat.wake());
document.addEventListener("visibilitychange", draw);
element("name").textContent = (await chat.config()).name;
await chat.start();
