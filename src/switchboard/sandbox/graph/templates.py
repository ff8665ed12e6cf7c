"""Approved message templates of every business account here, and the check of what is sent against them."""

import re
from typing import Any

from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.state import Button

Template = dict[str, Any]


def _body(text: str, *examples: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "BODY", "text": text}
    if examples:
        part["example"] = {"body_text": [list(examples)]}
    return part


def _template(number: int, name: str, language: str, category: str, *components: dict[str, Any]) -> Template:
    return {
        "id": str(594425479261590 + number),
        "name": name,
        "language": language,
        "category": category,
        "status": "APPROVED",
        "parameter_format": "POSITIONAL",
        "components": list(components),
    }


def _header(text: str) -> dict[str, Any]:
    return {"type": "HEADER", "format": "TEXT", "text": text}


def _picture() -> dict[str, Any]:
    return {
        "type": "HEADER",
        "format": "IMAGE",
        "example": {"header_handle": ["https://shop.example/sale.png"]},
    }


def _buttons(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(buttons)}


def _quick(text: str) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": text}


TEMPLATES: list[Template] = [
    _template(
        1,
        "hello_world",
        "en_US",
        "UTILITY",
        _header("Hello World"),
        _body("Welcome! This is a test message from the sandbox."),
        {"type": "FOOTER", "text": "Sandbox"},
    ),
    _template(
        2,
        "order_update",
        "en",
        "UTILITY",
        _body(
            "Hello {{1}}, your order {{2}} is on its way and should arrive {{3}}.", "Mei", "A1024", "tomorrow"
        ),
    ),
    _template(
        3,
        "order_update",
        "zh_CN",
        "UTILITY",
        _body("{{1}}您好，您的订单 {{2}} 已发货，预计{{3}}送达。", "林女士", "A1024", "明天"),
    ),
    _template(
        4,
        "continue_chat",
        "en",
        "UTILITY",
        _body("Hello {{1}}, we have an answer to your question. May we continue here?", "Mei"),
        _buttons(_quick("Yes, please"), _quick("Not now")),
    ),
    _template(
        5,
        "continue_chat",
        "zh_CN",
        "UTILITY",
        _body("{{1}}您好，您之前咨询的问题已有结果，方便继续沟通吗？", "林女士"),
        _buttons(_quick("方便"), _quick("稍后再说")),
    ),
    _template(
        6, "verification_code", "en", "AUTHENTICATION", _body("*{{1}}* is your verification code.", "481920")
    ),
    _template(7, "verification_code", "zh_CN", "AUTHENTICATION", _body("您的验证码是 *{{1}}*。", "481920")),
    _template(
        8,
        "spring_sale",
        "en",
        "MARKETING",
        _picture(),
        _body("The spring sale is open until {{1}}.", "Sunday"),
        _buttons(
            {
                "type": "URL",
                "text": "Look inside",
                "url": "https://shop.example/{{1}}",
                "example": ["https://shop.example/sale"],
            }
        ),
    ),
    _template(
        9,
        "spring_sale",
        "zh_CN",
        "MARKETING",
        _picture(),
        _body("春季促销进行中，{{1}}截止。", "周日"),
        _buttons(
            {
                "type": "URL",
                "text": "去看看",
                "url": "https://shop.example/{{1}}",
                "example": ["https://shop.example/sale"],
            }
        ),
    ),
]

TEMPLATES += [
    _template(10, "club_news", "en", "MARKETING", _body("Good news for {{1}}: the club opens again.", "Mei")),
    _template(11, "club_news", "zh_CN", "MARKETING", _body("{{1}}您好，会员俱乐部重新开放啦。", "林女士")),
]

TEMPLATES.append({
    **_template(12, "summer_sale", "en", "MARKETING", _body("The summer sale begins {{1}}.", "today")), "status": "PENDING",
})  # fmt: skip
USUAL = 25
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def listed(query: dict[str, str]) -> dict[str, Any]:
    """The answer of `GET /{waba}/message_templates` with its usual filters."""
    items = [
        t
        for t in TEMPLATES
        if query.get("name", t["name"]) == t["name"]
        and query.get("language", t["language"]) == t["language"]
        and query.get("status", t["status"]) == t["status"]
    ]
    start, size = (int(query.get(name) or usual) for name, usual in (("after", 0), ("limit", USUAL)))
    end = min(start + size, len(items))
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
    if end < len(items):
        paging["next"] = f"https://graph.facebook.com/message_templates?after={end}"
    answer: dict[str, Any] = {"data": items[start:end], "paging": paging}
    if "summary" in query:
        names = {t["name"] for t in TEMPLATES}
        answer["summary"] = {
            "total_count": len(items),
            "message_template_count": len(names),
            "message_template_limit": 6000,
            "are_translations_complete": True,
        }
    return answer


def fill(sent: dict[str, Any]) -> tuple[str, str, str, list[Button]]:
    """Title, text, footer and buttons of a sent `template` object; GraphError when it does not fit."""
    name, language = sent.get("name"), (sent.get("language") or {}).get("code")
    if not name or not language:
        raise GraphError(131008, "template.name and template.language.code are required")
    template = next((t for t in TEMPLATES if t["name"] == name and t["language"] == language), None)
    if template is None or template["status"] != "APPROVED":
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    given = {_slot(c): _texts(c) for c in sent.get("components") or []}
    title = text = footer = ""
    buttons: list[Button] = []
    for part in template["components"]:
        kind = part["type"].lower()
        if kind == "buttons":
            buttons = [_button(b, i, given) for i, b in enumerate(part["buttons"])]
        elif kind == "body":
            text = _put(part["text"], given.get("body", []), "body")
        elif kind == "footer":
            footer = part["text"]
        elif part["format"] == "TEXT":
            title = _put(part["text"], given.get("header", []), "header")
        elif not given.get("header"):
            raise GraphError(132012, f"header: Format mismatch, expected {part['format']}, received UNKNOWN")
    return title, text, footer, buttons


def category(sent: dict[str, Any]) -> str:
    """The category of a template, empty for an unknown one."""
    named = (sent.get("name"), (sent.get("language") or {}).get("code"))
    return next((t["category"] for t in TEMPLATES if (t["name"], t["language"]) == named), "")


def _slot(component: dict[str, Any]) -> str:
    kind = str(component.get("type", "")).lower()
    return f"button{component.get('index', 0)}" if kind == "button" else kind


def _texts(component: dict[str, Any]) -> list[str]:
    values = component.get("parameters") or []
    return [str(v.get("text") or v.get("payload") or v.get("type", "")) for v in values]


def _put(text: str, values: list[str], where: str) -> str:
    wanted = PLACEHOLDER.findall(text)
    if len(wanted) != len(values):
        raise GraphError(
            132000,
            f"{where}: number of localizable_params ({len(values)}) does not match the expected number of "
            f"params ({len(wanted)})",
        )
    filled = iter(values)
    return PLACEHOLDER.sub(lambda _: next(filled), text)


def _button(button: dict[str, Any], index: int, given: dict[str, list[str]]) -> Button:
    values = given.get(f"button{index}", [])
    if button["type"] == "URL":
        return Button(
            id=str(index), title=button["text"], kind="url", url=_put(button["url"], values, "button")
        )
    payload = values[0] if values else button["text"]
    return Button(id=payload, title=button["text"], kind="template")
