"""The approved templates of a business account, as far as texts alone can fill them."""

import re
from typing import Any

from switchboard.channels.api import MOST_TEMPLATES, ApprovedTemplate
from switchboard.channels.reading import obj, rows, text
from switchboard.channels.whatsapp.graph import MOST_PAGES, Graph
from switchboard.channels.whatsapp.payloads import listed

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PARTS = {"HEADER", "BODY", "FOOTER", "BUTTONS"}
_BUTTONS = {"QUICK_REPLY", "URL", "PHONE_NUMBER", "VOICE_CALL"}
"""Those that open or answer something without a value of ours."""


async def approved(graph: Graph, waba_id: str) -> list[ApprovedTemplate]:
    """Return what Meta has approved, page by page."""
    found: list[ApprovedTemplate] = []
    params = {
        "fields": "name,language,status,category,parameter_format,components",
        "status": "APPROVED",
        "limit": "100",
    }
    for _ in range(MOST_PAGES):
        page = await graph.call("GET", f"{waba_id}/message_templates", params=params)
        listed = (row for row in rows(page, "data") if text(row, "status") == "APPROVED")
        found += filter(None, map(_template, listed))
        after = text(page, "paging", "cursors", "after")
        if not after or not text(page, "paging", "next") or len(found) >= MOST_TEMPLATES:
            break
        params = {**params, "after": after}
    return found[:MOST_TEMPLATES]


def _template(row: Any) -> ApprovedTemplate | None:
    """Return one of the list; None where it wants more than texts in its body (a picture above, a code in a button)."""
    parts = {text(one, "type"): obj(one) for one in listed(row, "components")}
    header, said = parts.get("HEADER", {}), text(parts.get("BODY"), "text")
    names = list(dict.fromkeys(_VARIABLE.findall(said)))
    plain = (
        set(parts) <= _PARTS
        and text(header, "format") in ("", "TEXT")
        and not _VARIABLE.search(text(header, "text"))
        and all(_is_fixed(button) for button in listed(parts.get("BUTTONS"), "buttons"))
        and all(name.isdecimal() for name in names)
    )
    if not plain or not text(row, "name") or not said:
        return None
    lines = (text(header, "text"), _VARIABLE.sub(r"{\1}", said), text(parts.get("FOOTER"), "text"))
    return ApprovedTemplate(
        name=text(row, "name"),
        language=text(row, "language"),
        text="\n".join(filter(None, lines)),
        variables=sorted(names, key=int),
        category=text(row, "category"),
    )


def _is_fixed(button: Any) -> bool:
    return text(button, "type") in _BUTTONS and not _VARIABLE.search(text(button, "url"))
