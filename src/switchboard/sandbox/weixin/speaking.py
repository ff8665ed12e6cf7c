"""Customer-service messages, the typing state and notices, as service accounts and mini-programs send them."""

import asyncio
import re
import secrets
from typing import Any

from switchboard.sandbox.state import Bubble, Button, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import Response, Router
from switchboard.sandbox.weixin import people, window
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.drafts import Draft, Drafts
from switchboard.sandbox.weixin.errors import WeixinError, fine
from switchboard.sandbox.weixin.notices import Announcer
from switchboard.sandbox.world import World

Json = dict[str, Any]
TYPING_SECONDS = 30
DAY = 86_400
SEND = "/cgi-bin/message/custom/send"
FIELD = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")


class Speaking:
    """Handlers."""

    def __init__(self, world: World, access: Access, drafts: Drafts, events: Announcer) -> None:
        self._world = world
        self._access = access
        self._drafts = drafts
        self._events = events

    def routes(self, router: Router) -> None:
        """Register."""
        door = self._access.door
        router.add("POST", SEND, door(self.send, sends=True))
        router.add("POST", "/cgi-bin/message/custom/typing", door(self.typing))
        router.add("POST", "/cgi-bin/openapi/quota/get", door(self.quota))

    def _chat(self, account: PlatformAccount, body: Json) -> tuple[str, Customer, Chat]:
        openid = body.get("touser")
        customer = people.person(self._world, account, openid) if isinstance(openid, str) else None
        if customer is None:
            raise WeixinError(40003)
        return str(openid), customer, self._world.store.chat(account.platform, account.id, customer.id)

    async def send(self, asked: Asked) -> Response:
        """`{touser, msgtype, …}` within the window; the answer has no id."""
        account, body = asked.account, asked.request.json()
        openid, _, chat = self._chat(account, body)
        draft = self._drafts.read(account, body)
        service = body.get("customservice") or {}
        if not isinstance(service, dict):
            raise WeixinError(47001)
        desk = service.get("kf_account")
        if desk and desk not in [one["kf_account"] for one in account.settings.get("kf_accounts", [])]:
            raise WeixinError(65401)
        now = self._world.clock.now()
        if remain(account, now) < 1:
            raise WeixinError(45009)
        window.spend(account, openid, now, late=45015, many=45047)
        count(account, now)
        self._show(asked, chat, openid, draft, body, "k" + secrets.token_hex(8))
        return fine()

    def _show(self, asked: Asked, chat: Chat, openid: str, draft: Draft, body: Json, made: str) -> Bubble:
        bubble = draft.bubble(made, self._world.clock.now(), body)
        self._world.show(chat, bubble)
        self._world.note(
            message_id=bubble.id,
            platform=asked.account.platform,
            account=asked.account.id,
            to=openid,
            kind=str(body.get("msgtype") or draft.kind),
            text=bubble.text or bubble.title,
            body=body,
            fault=asked.fault,
        )
        return bubble

    async def typing(self, asked: Asked) -> Response:
        """`{touser, command: Typing | CancelTyping}`, at most 30 s after the customer wrote."""
        body, now = asked.request.json(), self._world.clock.now()
        _, _, chat = self._chat(asked.account, body)
        command = body.get("command")
        if command == "CancelTyping":
            chat.typing_until = 0.0
            return fine()
        if command != "Typing":
            raise WeixinError(45072)
        if now - chat.last_inbound_at > TYPING_SECONDS:
            raise WeixinError(45080)
        if chat.typing_until > now:
            raise WeixinError(45081)
        self._world.typing(chat)
        return fine()

    async def quota(self, asked: Asked) -> Response:
        """`{cgi_path}`: how many of the day's calls are left; only messages are counted here."""
        account, path = asked.account, asked.request.json().get("cgi_path")
        if not isinstance(path, str) or not path.startswith("/"):
            raise WeixinError(76021)
        limit = int(account.settings["daily_limit"])
        left = remain(account, self._world.clock.now()) if path == SEND else limit
        return fine(quota={"daily_limit": limit, "used": limit - left, "remain": left})

    async def notice(self, asked: Asked) -> Response:
        """A notice that the customer has allowed: each permission is good for one."""
        account, body = asked.account, asked.request.json()
        openid, customer, chat = self._chat(account, body)
        found = template_of(account, body.get("template_id"))
        allowed: dict[str, int] = account.kept.setdefault("allowed", {})
        key = f"{openid}:{found['template_id']}"
        if allowed.get(key, 0) < 1:
            raise WeixinError(43101)
        draft = filled(found, body)
        allowed[key] -= 1
        number = digits(18)
        self._show(asked, chat, openid, draft, {"msgtype": "subscribe", **body}, number)
        failed = asked.fault.code or 43101 if asked.fault and asked.fault.kind == "status" else 0

        async def finish() -> None:
            await asyncio.sleep(self._world.config.receipt_delay_seconds)
            self._events.arrived(account, customer, chat, found["template_id"], number, failed)

        self._world.spawn(finish())
        return fine(msgid=int(number))


def remain(account: PlatformAccount, now: float) -> int:
    """Messages that the account may still send today."""
    day, used = account.kept.get("used", [0, 0])
    return int(account.settings["daily_limit"]) - (int(used) if day == int(now // DAY) else 0)


def count(account: PlatformAccount, now: float) -> None:
    """One more of today."""
    day, used = account.kept.get("used", [0, 0])
    today = int(now // DAY)
    account.kept["used"] = [today, int(used) + 1 if day == today else 1]


def template_of(account: PlatformAccount, template_id: object) -> Json:
    """One of the account's templates; 40037 where it has no such."""
    for one in account.settings.get("templates", []):
        if one["template_id"] == template_id:
            found: Json = one
            return found
    raise WeixinError(40037)


def filled(template: Json, body: Json) -> Draft:
    """The template with its fields put in; a field that is missing or has no `value` is refused."""
    data = body.get("data")
    wanted = FIELD.findall(str(template["content"]))
    if not isinstance(data, dict):
        raise WeixinError(47003, "data")
    for name in wanted:
        if not isinstance(data.get(name), dict) or "value" not in data[name]:
            raise WeixinError(47003, f"data.{name}.value")
    text = FIELD.sub(lambda match: str(data[match.group(1)]["value"]), str(template["content"]))
    url = str(body.get("url") or body.get("page") or "")
    buttons = [Button(id="0", title="详情", kind="url", url=url)] if url else []
    return Draft(kind="template", title=str(template["title"]), text=text, buttons=buttons)
