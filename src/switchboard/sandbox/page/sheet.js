// A list that slides up over the screen of the phone.
import { h, icon } from "./dom.js";

export function sheet(title, rows) {
  const close = () => box.remove();
  const box = h(
    "div",
    { class: "sheet-back", onclick: (e) => e.target === box && close() },
    h(
      "div",
      { class: "sheet" },
      title ? h("h3", {}, title) : null,
      rows.map((r) =>
        h(
          "button",
          {
            class: r.danger ? "danger" : "",
            onclick: () => {
              close();
              r.act();
            },
          },
          r.icon ? icon(r.icon) : null,
          h("span", {}, r.title, r.text ? h("small", {}, r.text) : null),
        ),
      ),
    ),
  );
  document.querySelector(".screen").append(box);
  return box;
}
