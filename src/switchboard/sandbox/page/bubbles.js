// One message as the phone shows it.
import { h, icon } from "./dom.js";
import { t, locale } from "./words.js";

const mediaUrl = (file) => `/sandbox/media/${encodeURIComponent(file.key)}`;
const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString(locale(), {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });

function sized(bytes) {
  return bytes > 1048576
    ? `${(bytes / 1048576).toFixed(1)} MB`
    : `${Math.max(1, Math.round(bytes / 1024))} kB`;
}

function fileView(file) {
  const type = file.content_type;
  if (type.startsWith("image/"))
    return h("img", {
      class: file.kind === "sticker" ? "sticker" : "picture",
      src: mediaUrl(file),
      alt: file.name,
      loading: "lazy",
    });
  if (type.startsWith("video/"))
    return h("video", {
      class: "picture",
      src: mediaUrl(file),
      controls: true,
    });
  if (type.startsWith("audio/"))
    return h(
      "div",
      { class: "voice" },
      h(
        "span",
        { class: "wave" },
        ...Array.from({ length: 22 }, (_, i) => h("i", { style: `--h:${25 + ((i * 37) % 70)}%` })),
      ),
      h("audio", { src: mediaUrl(file), controls: true }),
    );
  return h(
    "a",
    { class: "file", href: mediaUrl(file), download: file.name },
    h("span", { class: "file-mark" }, icon("file", 22)),
    h("span", {}, h("b", {}, file.name), h("small", {}, sized(file.size))),
  );
}

function mapView(place) {
  const name = place.name || `${Number(place.latitude).toFixed(4)}, ${Number(place.longitude).toFixed(4)}`;
  return h(
    "div",
    { class: "map" },
    h("div", { class: "map-ground" }, h("span", { class: "map-pin" }, icon("pin", 30))),
    h("b", {}, name),
    place.address ? h("small", {}, place.address) : null,
  );
}

function cardView(card) {
  if (card.product !== undefined)
    return h(
      "div",
      { class: "card-row" },
      icon("inbox", 20),
      h("span", {}, h("b", {}, card.product), h("small", {}, t("product"))),
    );
  const phone = card.phones?.[0]?.phone || card.phone_number || "";
  return h(
    "div",
    { class: "card-row" },
    icon("user", 20),
    h("span", {}, h("b", {}, card.name?.formatted_name || card.first_name || ""), h("small", {}, phone)),
  );
}

// Links and *bold* of chat apps; everything stays text nodes.
function rich(text) {
  return text.split(/(https?:\/\/[^\s<>"']+|\*[^*\n]+\*)/g).map((part) => {
    if (/^https?:\/\//.test(part))
      return h("a", { href: part, target: "_blank", rel: "noreferrer noopener" }, part);
    if (/^\*[^*\n]+\*$/.test(part)) return h("b", {}, part.slice(1, -1));
    return part;
  });
}

function ticks(bubble, platform) {
  if (platform === "email" || (platform === "telegram" && bubble.side === "business")) return null;
  if (bubble.side === "customer" && bubble.status !== "read")
    return h("span", { class: "ticks" }, icon("tick", 13));
  if (bubble.side === "customer")
    return h("span", { class: "ticks seen" }, icon("tick", 13), icon("tick", 13));
  return null;
}

function buttonsOf(bubble, act) {
  const rows = bubble.buttons.filter((b) => b.kind === "row");
  const others = bubble.buttons.filter((b) => b.kind !== "row");
  const made = others.map((b) =>
    h(
      "button",
      { class: "press", onclick: () => act.press(bubble, b) },
      b.kind === "url" ? icon("globe", 15) : b.kind === "location" ? icon("pin", 15) : null,
      b.title || t("sendLocation"),
    ),
  );
  if (rows.length)
    made.push(
      h(
        "button",
        { class: "press", onclick: () => act.list(bubble, rows) },
        icon("list", 15),
        bubble.raw?.interactive?.action?.button || t("open"),
      ),
    );
  return made.length ? h("div", { class: "presses" }, made) : null;
}

export function bubbleView(bubble, all, platform, act, authors) {
  const mine = bubble.side === "customer";
  const quoted = bubble.reply_to && all.find((b) => b.id === bubble.reply_to);
  const emoji = Object.values(bubble.reactions || {});
  const bare = bubble.attachments.some((f) => f.kind === "sticker");
  const body = [];
  if (bubble.revoked) body.push(h("em", { class: "gone" }, icon("block", 14), t("revoked")));
  else {
    const author = bubble.author && authors[bubble.author];
    if (author) body.push(h("span", { class: "author", style: `color:${author.color}` }, author.name));
    if (quoted && platform !== "email")
      body.push(
        h(
          "div",
          { class: "quote" },
          h("b", {}, quoted.side === "customer" ? t("you") : ""),
          (quoted.text || t(quoted.kind)).slice(0, 90),
        ),
      );
    const letter = platform === "email";
    if (!letter) body.push(bubble.attachments.map(fileView));
    if (bubble.title) body.push(h("b", { class: "bubble-title" }, bubble.title));
    if (bubble.location) body.push(mapView(bubble.location));
    body.push((bubble.cards || []).map(cardView));
    if (bubble.kind === "unsupported") body.push(h("em", {}, t("unsupported")));
    if (bubble.text) body.push(h("div", { class: "text" }, rich(bubble.text)));
    if (letter) body.push(h("div", { class: "enclosed" }, bubble.attachments.map(fileView)));
    if (bubble.footer) body.push(h("small", { class: "footer" }, bubble.footer));
  }
  const meta = h(
    "span",
    { class: "meta" },
    bubble.edited ? `${t("edited")} · ` : "",
    clock(bubble.at),
    ticks(bubble, platform),
  );
  return h(
    "div",
    {
      class: `line ${mine ? "mine" : "theirs"} ${bubble.status === "failed" ? "lost" : ""}`,
      "data-id": bubble.id,
    },
    h(
      "div",
      {
        class: `bubble ${bare ? "bare" : ""} ${platform === "email" ? "letter" : ""}`,
        oncontextmenu: (e) => {
          e.preventDefault();
          act.menu(bubble, e);
        },
        ondblclick: (e) => act.menu(bubble, e),
      },
      body,
      meta,
      emoji.length ? h("span", { class: "reactions" }, emoji.join("")) : null,
    ),
    bubble.revoked ? null : buttonsOf(bubble, act),
    bubble.status === "failed"
      ? h("small", { class: "error" }, `${t("failed")}${bubble.error ? ` · ${bubble.error}` : ""}`)
      : null,
  );
}

export function dayOf(at) {
  return new Date(at * 1000).toLocaleDateString(locale(), {
    month: "long",
    day: "numeric",
    weekday: "long",
  });
}
