// Build elements without ever parsing strings as HTML.
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "style") element.style.cssText = value;
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

const paths = {
  whatsapp:
    "M4.5 6.5a2 2 0 0 1 2-2h11a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H11l-4.5 3.5V16.5a2 2 0 0 1-2-2Z|m8.7 10.6 2.4 2.4 4.3-4.7",
  telegram: "M12 3.5 19 20l-7-3.8L5 20Z|M12 16.2V10.5",
  email: "M3.5 6h17v12.5h-17Z|m3.8 6.3 8.2 6.7 8.2-6.7",
  custom: "M9 4v5H4v6h5v5h6v-5h5V9h-5V4Z",
  plus: "M12 5v14M5 12h14",
  send: "M4 12 20 4.5 15.5 20l-3.7-6.2Z|m11.8 13.8 4.7-5",
  mic: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4Z|M6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  photo: "M4 6h16v12H4Z|m4.5 16.5 4.5-5 3.5 3.5 2.5-2.5 4.5 4.5",
  pin: "M12 21s6.5-6.2 6.5-11a6.5 6.5 0 0 0-13 0c0 4.8 6.5 11 6.5 11Z|M12 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z",
  card: "M4 6h16v12H4Z|M8.5 12a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM5.8 15.5c.5-1.5 1.5-2.2 2.7-2.2s2.2.7 2.7 2.2M14 10h4M14 13.5h4",
  file: "M7 3.5h7l4 4V20.5H7Z|M14 3.5v4h4",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.5 5.5 8 12l6.5 6.5",
  tick: "m5 12.5 4.5 4.5L19 7.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3 7 7M17 17l1.7 1.7M5.3 18.7 7 17M17 7l1.7-1.7",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
  bolt: "M13 3 5.5 13.5H11L10 21l8-11h-5.5Z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4.5l3 2",
  plug: "M9 3.5v4M15 3.5v4M6.5 7.5h11v3a5.5 5.5 0 0 1-11 0ZM12 16v4.5",
  user: "M12 12a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6ZM4.5 20c.9-3.7 3.8-5.6 7.5-5.6s6.6 1.9 7.5 5.6",
  inbox: "M4 13.5 6.5 5h11L20 13.5V19H4Z|M4 13.5h4.5l1.2 2.5h4.6l1.2-2.5H20",
  copy: "M8.5 8.5h11v11h-11ZM15.5 8.5v-4h-11v11h4",
  globe:
    "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM4 12h16M12 4c2.5 2.2 3.7 4.9 3.7 8s-1.2 5.8-3.7 8c-2.5-2.2-3.7-4.9-3.7-8S9.5 6.2 12 4Z",
  list: "M8.5 7H20M8.5 12H20M8.5 17H20M4.2 7h.1M4.2 12h.1M4.2 17h.1",
  chevron: "m7 10 5 5 5-5",
  block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM6.4 6.4l11.2 11.2",
};
export function icon(name, size = 20) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [k, v] of Object.entries({
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.7,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
  }))
    svg.setAttribute(k, v);
  for (const d of (paths[name] || "").split("|")) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// An app's mark: drawn for the first ones, letters for those that the sandbox names.
export function mark(face, size = 20) {
  if (!face.mark) return icon(face.name, size);
  return h("span", { class: "letters", style: `font-size:${Math.round(size * 0.62)}px` }, face.mark);
}

export function avatar(person, size = 40) {
  const letters = /[一-鿿]/.test(person.name)
    ? person.name.slice(-2)
    : person.name
        .split(/\s+/)
        .map((w) => w[0])
        .slice(0, 2)
        .join("")
        .toUpperCase();
  return h(
    "span",
    {
      class: "avatar",
      style: `--size:${size}px;--tone:${person.color || "#6b7280"}`,
    },
    letters,
  );
}

let hiding;
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => box.classList.remove("shown"), 3200);
}
