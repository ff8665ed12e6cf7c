// The right side: connection, time, failures, what arrived from the product.
import { h, icon, toast } from "./dom.js";
import { t, locale } from "./words.js";
import { call, get, post } from "./api.js";
import * as desk from "./model.js";

const KINDS = ["error", "drop_after", "drop_before", "latency", "http", "status"];
const CODES = {
  whatsapp: [131047, 131026, 130429, 131056, 131000, 190, 132001, 368],
  telegram: [429, 403, 400, 401, 500],
  email: [451, 550, 552, 421],
  custom: [500, 429, 400, 503],
};
const SHOWN = {
  whatsapp: ["id", "waba_id", "token", "app_secret", "verify_token"],
  telegram: ["token", "username"],
  email: ["address", "password"],
  custom: ["secret", "send_url"],
};

function section(name, title, ...content) {
  return h("section", { class: "tool" }, h("h2", {}, icon(name, 16), title), ...content);
}

async function copy(value) {
  await navigator.clipboard?.writeText(value);
  toast(t("copied"));
}

function connection(account, calls) {
  const last = calls.items.filter((c) => c.account === account.id).at(-1);
  const rows = (SHOWN[account.platform] || desk.face().shown).map((name) => [
    name,
    account[name] ?? account.settings?.[name] ?? "",
  ]);
  if (account.api_url) rows.unshift(["api_url", account.api_url]);
  for (const mail of ["smtp", "pop3"])
    if (account[mail]) rows.push([mail, `${account[mail].host}:${account[mail].port}`]);
  const state = last ? (last.done ? t("ok") : t("retrying")) : "";
  const tone = !account.webhook_url ? "idle" : last && !last.done ? "bad" : "good";
  const called = account.platform !== "email" && desk.face().calls !== false;
  return section(
    "plug",
    t("connection"),
    !called
      ? null
      : h(
          "p",
          { class: "hook" },
          h("i", { class: `lamp ${tone}` }),
          h(
            "span",
            { class: "ellipsis", title: account.webhook_url },
            account.webhook_url || `${t("webhook")}: ${t("none")}`,
          ),
        ),
    !called
      ? null
      : h(
          "p",
          { class: "faint" },
          last ? `${t("lastCall")}: ${last.status || "—"} ${state}` : "",
          account.waiting ? `${last ? " · " : ""}${account.waiting} ${t("waiting")}` : "",
        ),
    h(
      "details",
      {},
      h("summary", {}, t("credentials")),
      h(
        "dl",
        {},
        rows.map(([name, value]) => [
          h("dt", {}, name),
          h(
            "dd",
            {},
            h(
              "button",
              {
                class: "copy",
                title: value,
                onclick: () => copy(String(value)),
              },
              h("span", { class: "ellipsis" }, String(value)),
              icon("copy", 13),
            ),
          ),
        ]),
      ),
    ),
  );
}

function timeTools() {
  const { offset } = desk.now;
  const shift = async (seconds) => {
    await post("/sandbox/clock", seconds ? { shift_seconds: seconds } : { reset: true });
  };
  const current = desk.chat();
  const left = current?.last_inbound_at
    ? current.last_inbound_at + (desk.face().window_hours || 24) * 3600 - (Date.now() / 1000 + offset)
    : 0;
  const words = !current?.last_inbound_at
    ? t("windowNone")
    : left > 0
      ? `${t("windowOpen")} ${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`
      : t("windowClosed");
  return section(
    "clock",
    t("time"),
    h(
      "p",
      { class: "big" },
      new Date(Date.now() + offset * 1000).toLocaleString(locale(), {
        month: "short",
        day: "numeric",
        hour: "2-digit",
        minute: "2-digit",
        hour12: false,
      }),
    ),
    desk.face().window_hours
      ? h(
          "p",
          { class: "faint" },
          h("i", {
            class: `lamp ${!current?.last_inbound_at ? "idle" : left > 0 ? "good" : "bad"}`,
          }),
          `${t("window")}: ${words}`,
        )
      : null,
    h(
      "div",
      { class: "row" },
      h("button", { onclick: () => shift(3600) }, "+1 h"),
      h("button", { onclick: () => shift(86400) }, "+24 h"),
      h("button", { disabled: !offset, onclick: () => shift(0) }, t("reset")),
    ),
  );
}

const wish = { kind: "error", code: "", times: 1, seconds: 5 };
function failures() {
  const { platform } = desk.now,
    codes = CODES[platform] || (desk.face().codes?.length ? desk.face().codes : [500]);
  if (!codes.includes(Number(wish.code))) wish.code = codes[0];
  const kinds = KINDS.filter((k) => k !== "status" || platform === "whatsapp");
  if (!kinds.includes(wish.kind)) wish.kind = "error";
  const arm = () =>
    post("/sandbox/faults", {
      kind: wish.kind,
      platform,
      times: Number(wish.times),
      code: ["error", "status"].includes(wish.kind) ? Number(wish.code) : wish.kind === "http" ? 502 : 0,
      seconds: wish.kind === "latency" ? Number(wish.seconds) : 0,
    });
  const second = ["error", "status"].includes(wish.kind)
    ? h(
        "select",
        {
          "aria-label": t("code"),
          onchange: (e) => {
            wish.code = e.target.value;
          },
        },
        codes.map((c) => h("option", { value: c, selected: c === Number(wish.code) }, c)),
      )
    : wish.kind === "latency"
      ? h("input", {
          type: "number",
          min: 1,
          max: 120,
          value: wish.seconds,
          "aria-label": t("seconds"),
          onchange: (e) => {
            wish.seconds = e.target.value;
          },
        })
      : null;
  return section(
    "bolt",
    t("failures"),
    h(
      "div",
      { class: "row" },
      h(
        "select",
        {
          class: "grow",
          onchange: (e) => {
            wish.kind = e.target.value;
            drawBench();
          },
        },
        kinds.map((k) => h("option", { value: k, selected: k === wish.kind }, t(k))),
      ),
      second,
    ),
    h(
      "div",
      { class: "row" },
      h("input", {
        type: "number",
        min: 1,
        max: 999,
        value: wish.times,
        "aria-label": t("times"),
        onchange: (e) => {
          wish.times = e.target.value;
        },
      }),
      h("span", { class: "faint grow" }, t("times")),
      h("button", { class: "primary", onclick: arm }, t("arm")),
    ),
    desk.now.state.faults.map((f) =>
      h(
        "p",
        { class: "armed" },
        h("span", {}, `${t(f.kind)} ${f.code || ""}`),
        h(
          "span",
          { class: "faint" },
          `× ${f.times < 0 ? "∞" : f.times}${f.platform ? ` · ${desk.title(f.platform)}` : ""}`,
        ),
        h(
          "button",
          {
            class: "round small",
            "aria-label": t("cancel"),
            onclick: () => call("DELETE", `/sandbox/faults/${f.id}`),
          },
          icon("close", 13),
        ),
      ),
    ),
  );
}

function personTools() {
  const person = desk.customer(),
    chat = desk.chat();
  if (!person) return null;
  const hide = h("input", {
    type: "checkbox",
    checked: person.hides_phone,
    onchange: () =>
      call("PATCH", `/sandbox/customers/${person.id}`, {
        hides_phone: hide.checked,
      }),
  });
  const receipts = h("input", {
    type: "checkbox",
    checked: localStorage.getItem("sandbox.receipts") !== "off",
    onchange: () => {
      localStorage.setItem("sandbox.receipts", receipts.checked ? "on" : "off");
      desk.seen();
    },
  });
  const facts = {
    whatsapp: person.hides_phone ? person.user_id : `+${person.phone}`,
    telegram: `${person.telegram_id}${person.username ? ` · @${person.username}` : ""}`,
    email: person.email,
    custom: person.id,
  };
  const here = desk.now.platform;
  const ids = Object.entries(person.handles).filter(([space]) => `${space}:`.startsWith(`${here}:`));
  const known = here.startsWith("sms_") ? `+${person.phone}` : ids.map(([, id]) => id).join(" · ");
  return section(
    "user",
    t("person"),
    h("p", { class: "faint mono" }, facts[here] ?? known),
    h("label", {}, receipts, t("readAuto")),
    desk.now.platform === "whatsapp" ? h("label", {}, hide, t("hidePhone")) : null,
    chat && ["whatsapp", "telegram"].includes(desk.now.platform)
      ? h(
          "button",
          {
            class: "plain",
            onclick: () => desk.act(chat.blocked ? "unblock" : "block"),
          },
          icon("block", 15),
          chat.blocked ? t("unblock") : t("block"),
        )
      : null,
  );
}

function received(entries) {
  const people = Object.fromEntries(
    desk.now.state.customers.flatMap((c) => [
      [c.phone, c.name],
      [String(c.telegram_id), c.name],
      [c.email, c.name],
      [c.id, c.name],
      [`+${c.phone}`, c.name],
      ...Object.values(c.handles).map((handle) => [handle, c.name]),
    ]),
  );
  const rows = entries
    .slice(-30)
    .reverse()
    .map((e) =>
      h(
        "li",
        {},
        h("i", { class: `dot ${desk.style(e.platform)}`, style: desk.tone(e.platform) }),
        h(
          "span",
          {},
          h("b", { class: "ellipsis", title: e.to }, people[e.to] || e.to),
          h("span", { class: "ellipsis" }, e.text || t(e.kind)),
        ),
        h("small", {}, `#${e.seq}`),
      ),
    );
  return section(
    "inbox",
    t("received"),
    rows.length ? h("ul", { class: "received" }, rows) : h("p", { class: "faint" }, t("nothing")),
  );
}

let drawing = 0;
export async function drawBench() {
  const turn = ++drawing;
  const { last } = await get("/sandbox/ledger?limit=0");
  const [calls, ledger] = await Promise.all([
    get("/sandbox/webhooks?limit=200"),
    get(`/sandbox/ledger?since=${Math.max(0, last - 30)}`),
  ]);
  if (turn !== drawing) return;
  const account = desk.account(),
    box = document.getElementById("bench");
  const open = box.querySelector("details")?.open,
    at = box.scrollTop;
  box.replaceChildren(
    ...[
      account ? connection(account, calls) : null,
      personTools(),
      timeTools(),
      failures(),
      received(ledger.items),
    ].filter(Boolean),
  );
  if (open) box.querySelector("details").open = true;
  box.scrollTop = at;
}
