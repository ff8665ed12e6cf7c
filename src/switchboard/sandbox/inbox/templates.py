"""Message templates of a page: made, reviewed at once, listed, deleted; what is sent is checked against them."""

import re
from typing import Any

from switchboard.sandbox.inbox import hooks
from switchboard.sandbox.inbox.access import form
from switchboard.sandbox.inbox.errors import InboxError
from switchboard.sandbox.inbox.sending import Sending
from switchboard.sandbox.inbox.utility import PLACEHOLDER, entry, library, stock
from switchboard.sandbox.state import PlatformAccount, digits
from switchboard.sandbox.web import Request, Response, json_response

Json = dict[str, Any]
FIELD = "message_template_status_update"
NAME = re.compile(r"[a-z0-9_]{1,512}")
BUTTONS = {"POSTBACK", "URL", "PHONE_NUMBER"}
COMPONENTS = {"HEADER", "BODY", "BUTTONS"}
LONGEST_BODY = 1024


class Templates(Sending):
    """Handlers; wants the permission pages_utility_messaging (the setting `utility`)."""

    async def message_templates(self, request: Request, id: str) -> Response:  # noqa: A002
        """List, make or delete templates of a page."""
        given, _ = form(request)
        account = self.one(request, id, given)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        may(account)
        if request.method == "GET":
            return json_response(_listed(account, request.query))
        if request.method == "DELETE":
            return self._delete(account, given)
        try:
            return self._make(account, given)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InboxError(100, "A part of param components has the wrong type") from error

    async def message_template_library(self, request: Request) -> Response:
        """Meta's own templates, which pages may clone."""
        self.caller(request)
        wanted = request.query.get("name_or_content", "").lower()
        found = [one for one in library() if wanted in f"{one['name']} {one['body']}".lower()]
        language = request.query.get("language")
        return json_response({"data": [one for one in found if language in {None, one["language"]}]})

    def _make(self, account: PlatformAccount, given: Json) -> Response:
        components = _cloned(given) if given.get("library_template_name") else given.get("components")
        name, language = str(given.get("name") or ""), str(given.get("language") or "")
        if not NAME.fullmatch(name) or not language:
            raise InboxError(
                100, "name and language are required; a name has small letters, digits, underscores"
            )
        if given.get("category") != "UTILITY":
            raise InboxError(100, "Param category must be one of UTILITY")
        if any(one["name"] == name and one["language"] == language for one in stock(account)):
            raise InboxError(100, "There is already content in this language", subcode=2388024)
        _check(components, str(given.get("parameter_format") or "POSITIONAL"))
        template = entry(digits(15), name, language, components, str(given.get("parameter_format") or ""))
        template["status"] = str(account.settings.get("template_review") or "APPROVED")
        stock(account).append(template)
        self._told(account, template)
        made = {"id": template["id"], "status": template["status"], "category": "UTILITY"}
        return json_response(made)

    def _delete(self, account: PlatformAccount, given: Json) -> Response:
        name, ident = str(given.get("name") or ""), str(given.get("template_id") or "")
        gone = [one for one in stock(account) if one["name"] == name and ident in {"", one["id"]}]
        if not gone:
            raise InboxError(100, "Message template not found", subcode=2593002)
        for one in gone:
            stock(account).remove(one)
        return json_response({"success": True})

    def _told(self, account: PlatformAccount, template: Json) -> None:
        value = {
            "event": template["status"],
            "message_template_id": int(template["id"]),
            "message_template_name": template["name"],
            "message_template_language": template["language"],
            "reason": "NONE" if template["status"] == "APPROVED" else "TAG_SHOULD_BE_MARKETING",
        }
        hooks.change(self.world, account, FIELD, value, f"templates:{account.id}")


def may(account: PlatformAccount) -> None:
    """Templates are a page's, and want a permission."""
    if account.platform != "messenger":
        raise InboxError(100, "Tried accessing nonexisting field (message_templates)")
    if not account.settings.get("utility", True):
        raise InboxError(10, "Application does not have permission for this action")


def _listed(account: PlatformAccount, query: dict[str, str]) -> Json:
    words = {name: query[name] for name in ("name", "language", "status", "category") if query.get(name)}
    rows = [
        one
        for one in stock(account)
        if all(
            str(one[name]) in value.strip("[]").replace('"', "").split(",") for name, value in words.items()
        )
    ]
    return {"data": rows, "paging": {"cursors": {"before": "MAZDZD", "after": "MjQZD"}}}


def _cloned(given: Json) -> list[Json]:
    name = str(given["library_template_name"])
    known = next((one for one in library() if one["name"] == name), None)
    if known is None:
        raise InboxError(100, "The library has no such template")
    made: list[Json] = [
        {"type": "BODY", "text": known["body"], "example": {"body_text": [known["body_params"]]}}
    ]
    buttons = given.get("library_template_button_inputs") or []
    if buttons:
        shown = [
            {"type": "URL", "text": one.get("text"), "url": (one.get("url") or {}).get("base_url")}
            for one in buttons
        ]
        made.append({"type": "BUTTONS", "buttons": shown})
    return made


def _check(components: Any, style: str) -> None:
    """What every reviewer finds first: no body, no samples, variables at the ends or out of order, foreign buttons."""
    rows = components if isinstance(components, list) else []
    if any(not isinstance(one, dict) or one.get("type") not in COMPONENTS for one in rows):
        raise InboxError(100, f"Param components[type] must be one of {', '.join(sorted(COMPONENTS))}")
    body: Json = next((one for one in rows if one["type"] == "BODY"), {})
    text = str(body.get("text") or "")
    if not 1 <= len(text) <= LONGEST_BODY:
        raise InboxError(100, f"components must have a BODY with a text of 1 to {LONGEST_BODY} characters")
    names = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    if text.lstrip().startswith("{{") or text.rstrip().endswith("}}"):
        raise InboxError(100, "Variables can't be at the start or end of the template", subcode=2388299)
    if style == "POSITIONAL" and names != [str(n) for n in range(1, len(names) + 1)]:
        raise InboxError(100, "Variables must be {{1}}, {{2}} … in order", subcode=2388072)
    if names and not body.get("example"):
        raise InboxError(100, "Variables need sample values", subcode=2388043)
    for one in rows:
        for button in one.get("buttons") or []:
            if button["type"] not in BUTTONS or not str(button["text"]):
                raise InboxError(100, "Message Template Creation Failed", subcode=2018416)
