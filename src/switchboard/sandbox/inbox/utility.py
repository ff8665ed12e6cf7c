"""Templates of a page, and a `template` object filled in: the words and buttons that people see."""

import re
from typing import Any

from switchboard.sandbox.inbox.errors import InboxError
from switchboard.sandbox.state import PlatformAccount

Json = dict[str, Any]
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
KEYS = {"type", "parameters"}


def entry(ident: str, name: str, language: str, components: Any, style: str = "") -> Json:
    """One template as lists show it."""
    return {
        "id": ident,
        "name": name,
        "language": language,
        "category": "UTILITY",
        "status": "APPROVED",
        "parameter_format": style or "POSITIONAL",
        "components": components,
    }


def _body(text: str, *samples: str) -> Json:
    return {"type": "BODY", "text": text, "example": {"body_text": [list(samples)]}}


def stock(account: PlatformAccount) -> list[Json]:
    """A page's templates; each page begins with a few."""
    order = _body("Hello {{1}}, your order {{2}} is on its way to you.", "Ann", "4711")
    visit = [
        {"type": "HEADER", "format": "TEXT", "text": "Your appointment"},
        _body("We expect you on {{1}}. See you then!", "Friday"),
        {
            "type": "BUTTONS",
            "buttons": [{"type": "POSTBACK", "text": "Change it", "payload": "change_{{1}}"}],
        },
    ]
    found: list[Json] = account.kept.setdefault(
        "templates",
        [
            entry("594425479261590", "order_update", "en", [order]),
            entry(
                "594425479261591",
                "order_update",
                "zh_CN",
                [_body("{{1}}您好，订单 {{2}} 已发货。", "林女士", "4711")],
            ),
            entry("594425479261592", "appointment", "en", visit),
        ],
    )
    return found


def library() -> list[Json]:
    """Meta's own templates."""
    one = {"category": "UTILITY", "topic": "ORDER_MANAGEMENT", "usecase": "DELIVERY_CONFIRMATION"}
    body = "Hello {{1}}, your order has arrived. Look after it below."
    params = {"body_params": ["John"], "body_param_types": ["TEXT"], "industry": ["E_COMMERCE"]}
    return [
        {
            **one,
            **params,
            "name": "delivery_confirmation_1",
            "language": "en",
            "body": body,
            "id": "7635027653257090",
        }
    ]


def filled(account: PlatformAccount, sent: Any) -> tuple[str, str, list[Json]]:
    """Title, words and buttons (as the Send API knows them) of a sent `template`; InboxError 100 when it does not fit."""
    given = sent if isinstance(sent, dict) else {}
    language = given.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    known = next(
        (one for one in stock(account) if (one["name"], one["language"]) == (given.get("name"), code)), None
    )
    if known is None or known["status"] != "APPROVED":
        raise InboxError(100, "No approved message template of this name in this language")
    values = _values(given.get("components") or [])
    title = text = ""
    buttons: list[Json] = []
    for part in known["components"]:
        kind = str(part["type"]).lower()
        if kind == "buttons":
            buttons = _buttons(part["buttons"], values.get("buttons", []))
        elif kind == "body":
            text = _put(part["text"], values.get("body", []))
        elif part.get("format") == "TEXT":
            title = _put(part["text"], values.get("header", []))
    return title, text, buttons


def _values(components: Any) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for one in components if isinstance(components, list) else [None]:
        if not isinstance(one, dict):
            raise InboxError(100, "param message[template][components] must be an array of objects")
        unknown = sorted(set(one) - KEYS)
        if unknown:
            words = f'Invalid keys "{unknown[0]}" were found in param "message[template][components]"'
            raise InboxError(100, words)
        kind, rows = str(one.get("type") or "").lower(), one.get("parameters") or []
        if kind not in {"header", "body", "buttons"}:
            raise InboxError(100, f"Component type {kind} is not known")
        found[kind] = [row for row in rows if isinstance(row, dict)]
    return found


def _put(text: str, values: list[Json]) -> str:
    names = PLACEHOLDER.findall(text)
    if len(names) != len(values):
        words = f"The template has {len(names)} variables, {len(values)} values were given"
        raise InboxError(100, words, subcode=2388106)
    named = {str(one["parameter_name"]): one for one in values if one.get("parameter_name")}
    for name, value in zip(names, values, strict=True):
        chosen = value if name.isdigit() else named.get(name, {})
        if not chosen.get("text"):
            raise InboxError(100, f"The variable {name} has no text")
        text = text.replace("{{" + name + "}}", str(chosen["text"]), 1)
    return text


def _buttons(known: list[Json], values: list[Json]) -> list[Json]:
    """Buttons with variables take one value each, by their place."""
    made: list[Json] = []
    waiting = iter(values)
    for one in known:
        kind, field = one["type"], "payload" if one["type"] == "POSTBACK" else "url"
        target = str(one.get(field) or "")
        if PLACEHOLDER.search(target):
            value = next(waiting, None)
            if value is None:
                raise InboxError(
                    100, f"User pass less payload than required for {kind} button", subcode=1893029
                )
            target = PLACEHOLDER.sub(str(value.get(field) or ""), target)
        shown = {"type": "postback" if kind == "POSTBACK" else "web_url", "title": one["text"]}
        made.append({**shown, field: target})
    return made
