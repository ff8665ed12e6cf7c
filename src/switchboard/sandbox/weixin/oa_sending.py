"""What a service account sends: customer-service messages, templates, notices."""

import asyncio
from typing import Any

from switchboard.sandbox.state import Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import Response, Router
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.drafts import Drafts
from switchboard.sandbox.weixin.errors import WeixinError, fine
from switchboard.sandbox.weixin.files import Files
from switchboard.sandbox.weixin.oa_events import Events
from switchboard.sandbox.weixin.speaking import Speaking, filled, template_of
from switchboard.sandbox.world import World

Json = dict[str, Any]
TYPES = (
    "text",
    "image",
    "voice",
    "video",
    "music",
    "news",
    "mpnews",
    "mpnewsarticle",
    "msgmenu",
    "wxcard",
    "miniprogrampage",
)


class Sending(Speaking):
    """Handlers."""

    def __init__(self, world: World, access: Access, files: Files, events: Events) -> None:
        super().__init__(world, access, Drafts(files, TYPES), events)
        self._followers = events

    def routes(self, router: Router) -> None:
        """Register."""
        super().routes(router)
        door = self._access.door
        router.add("POST", "/cgi-bin/message/template/send", door(self.template, sends=True))
        router.add("POST", "/cgi-bin/message/subscribe/bizsend", door(self.notice, sends=True))

    async def template(self, asked: Asked) -> Response:
        """`{touser, template_id, url?, miniprogram?, data}` at any time, to followers only."""
        account, body = asked.account, asked.request.json()
        openid, customer, chat = self._chat(account, body)
        found = template_of(account, body.get("template_id"))
        if found.get("agreed"):
            raise WeixinError(40037)
        if not self._followers.follows(account, customer):
            raise WeixinError(43004)
        number = digits(18)
        self._show(asked, chat, openid, filled(found, body), {"msgtype": "template", **body}, number)
        failed = asked.fault is not None and asked.fault.kind == "status"
        status = "failed:user block" if failed else "success"
        done = {"MsgID": int(number), "Status": status}
        self._world.spawn(self._finish(account, customer, chat, "TEMPLATESENDJOBFINISH", done))
        return fine(msgid=int(number))

    async def notice(self, asked: Asked) -> Response:
        """The other kind of template, `agreed`: not known to `template/send`, nor the first kind here."""
        if not template_of(asked.account, asked.request.json().get("template_id")).get("agreed"):
            raise WeixinError(40037)
        return await super().notice(asked)

    async def _finish(
        self, account: PlatformAccount, customer: Customer, chat: Chat, event: str, done: Json
    ) -> None:
        await asyncio.sleep(self._world.config.receipt_delay_seconds)
        self._events.tell(account, customer, chat, event, **done)
