"""Weibo's stand-in: its look, its paths, its customers' side."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Handler, Refused, Request, Response, Router
from switchboard.sandbox.weibo.api import CODES, Api, WeiboError
from switchboard.sandbox.weibo.push import Pushes, try_address, written
from switchboard.sandbox.world import World

Json = dict[str, Any]
FILES = {"image": "image", "voice": "voice", "audio": "voice"}
SAID = {"image": "发了一张图片", "voice": "发了一个语音消息"}
EVENTS = {
    "follow": "关注事件消息",
    "unfollow": "取消关注事件消息",
    "subscribe": "订阅事件消息",
    "unsubscribe": "取消订阅事件消息",
}


class Weibo(StandIn):
    """Verified accounts in developer mode."""

    name: ClassVar[str] = "weibo"
    look: ClassVar[Look] = Look(
        en="Weibo",
        zh="微博",
        color="#e6162d",
        mark="博",
        shown=("app_secret", "access_token"),
        codes=CODES,
        files=("image", "voice"),
        window_hours=48,
        moves=(
            Move(en="Location", zh="位置", wish={"type": "location"}),
            Move(en="Press the menu", zh="点击自定义菜单", wish={"type": "menu"}, ask="key"),
            Move(en="Mention the account", zh="@账号", wish={"type": "mention"}, ask="text"),
            Move(en="Scan a QR code", zh="扫描二维码", wish={"action": "scan"}),
            Move(en="Follow", zh="关注", wish={"action": "follow"}),
            Move(en="Unfollow", zh="取消关注", wish={"action": "unfollow"}),
            Move(en="Subscribe", zh="订阅", wish={"action": "subscribe"}),
            Move(en="Unsubscribe", zh="取消订阅", wish={"action": "unsubscribe"}),
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._api = Api(world)
        self._pushes = Pushes(world, self._api.passive)

    def routes(self, router: Router) -> None:
        """Register m.api.weibo.com, api.weibo.com and upload.api.weibo.com."""
        api = self._api
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/2/messages/reply\\.json", api.reply),
            ("GET", "/2/mss/msget", api.file),
            ("GET", "/2/eps/user/info\\.json", api.follower),
            ("GET", "/2/users/show\\.json", api.user),
            ("POST", "/oauth2/get_token_info", api.token_info),
            ("POST", "/2/eps/push/set_format\\.json", api.set_format),
        ]
        for method, pattern, handler in table:
            router.add(method, pattern, _guard(handler))

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account; its id is its user id."""
        settings = {
            "app_key": digits(10),
            "app_secret": secrets.token_hex(16),
            "access_token": "2.00" + secrets.token_urlsafe(21),
            "format": "json",
            "flaw": "",
        }
        return str(given.get("id") or digits(10)), "沙盒商店", settings

    def described(self, account: PlatformAccount, origin: str) -> Json:
        """Whether the webhook address has said the echo again."""
        del origin
        return {"webhook_verified": account.kept.get("verified")}

    # -- the customer's side -------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A private message, a pressed menu, a mention."""
        del origin
        kind = str(wish.get("type") or "text")
        bubble = Bubble(id=secrets.token_hex(8), side="customer", kind=kind, at=self.world.clock.now())
        if kind == "menu":
            key = str(wish.get("key") or wish.get("data") or "help")
            self._tell(account, customer, chat, "event", "", {"subtype": "click", "key": key}, opens="click")
            return []
        if kind == "mention":
            bubble.text = str(wish.get("text") or "")
            data: Json = {"subtype": str(wish.get("subtype") or "status"), "key": digits(16)}
            opens, told = "mention", "mention"
        else:
            told, data = self._content(account, wish, bubble)
            opens = "message"
        self.world.show(chat, bubble)
        text = bubble.text or SAID.get(told, "")
        bubble.raw = self._tell(account, customer, chat, told, text, data, opens=opens, raw=wish.get("raw"))
        return [bubble]

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble) -> tuple[str, Json]:
        if bubble.kind == "text":
            bubble.text = str(wish.get("text") or "")
            return "text", {}
        if bubble.kind == "location":
            place = wish.get("location") or {"latitude": 39.982525, "longitude": 116.308586}
            bubble.location = dict(place)
            return "position", {"longitude": str(place["longitude"]), "latitude": str(place["latitude"])}
        if bubble.kind not in FILES:
            raise Refused(422, f"type: Weibo has no {bubble.kind}")
        source = self.world.state.media.get(str(wish.get("file") or ""))
        if source is None:
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        number = int(digits(9))
        media = self.world.store.keep(
            account=account.id, name=source.name, content_type=source.content_type, content=source.content,
            now=self.world.clock.now(), key=f"weibo-{number}",
        )  # fmt: skip
        bubble.attachments = [attachment(media, bubble.kind)]
        return FILES[bubble.kind], {"vfid": number - 1, "tovfid": number}

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Follow, unfollow, subscribe, unsubscribe, scan; the console tries the address."""
        if action in EVENTS:
            if action in {"follow", "unfollow"}:
                chat.blocked = action == "unfollow"
            opens = "follow" if action in {"follow", "subscribe"} else ""
            self._tell(account, customer, chat, "event", EVENTS[action], {"subtype": action}, opens=opens)
        elif action == "scan":
            data = {
                "subtype": "scan",
                "key": str(wish.get("key") or "shop-1"),
                "ticket": secrets.token_hex(8),
            }
            self._tell(account, customer, chat, "event", "扫描二维码事件消息", data, opens="scan")
        elif action == "verify":
            self.world.spawn(self._verify(account))
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    async def _verify(self, account: PlatformAccount) -> None:
        account.kept["verified"] = await try_address(self.world, account)

    def _tell(
        self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, text: str, data: Json, *,
        opens: str, raw: Json | None = None,
    ) -> Json:  # fmt: skip
        if opens:
            self._api.opens(account, chat, opens)
        now = self.world.clock.now()
        sender = self.world.store.known_as(customer, self.name, lambda: digits(10))
        message = {
            "type": kind, "receiver_id": int(account.id), "sender_id": int(sender), "created_at": written(now),
            "text": text, "data": data, **(raw or {}),
        }  # fmt: skip
        self._pushes.put(account, message, now)
        return message

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """Weibo tells nobody who has read what."""
        del account
        chat.unread = 0


def _guard(handler: Handler) -> Handler:
    async def guarded(request: Request, **names: str) -> Response:
        try:
            return await handler(request, **names)
        except WeiboError as error:
            return error.response(request)

    return guarded
