"""The stand-in of a mini-program's customer service (小程序客服): its look, its paths, its customers' side."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Refused, Response, Router, json_response
from switchboard.sandbox.weixin import crypto, people, window, wishes
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.drafts import Drafts
from switchboard.sandbox.weixin.files import MB, Files, Limit
from switchboard.sandbox.weixin.listing import Listing
from switchboard.sandbox.weixin.notices import Announcer
from switchboard.sandbox.weixin.push import Console, Pushes
from switchboard.sandbox.weixin.replies import Replies
from switchboard.sandbox.weixin.speaking import Speaking
from switchboard.sandbox.world import World

Json = dict[str, Any]
LIMITS = {"image": Limit(10 * MB, ("image/",))}
TYPES = ("text", "image", "link", "miniprogrampage")
TO_WRITE, TO_ENTER = window.Grant(5, 48 * 3_600), window.Grant(2, 60)
COVER = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\xff\xd9"
MOVES = (
    Move(en="Enter the chat", zh="进入客服会话", wish={"action": "enter"}),
    Move(en="Enter from a page", zh="从页面进入客服会话", wish={"action": "enter"}, ask="session_from"),
    Move(en="Mini-program card", zh="小程序卡片", wish={"type": "miniprogrampage"}),
    Move(en="Allow a notice", zh="允许订阅消息", wish={"action": "allow"}, ask="template_id"),
    Move(en="Refuse a notice", zh="拒绝订阅消息", wish={"action": "refuse"}, ask="template_id"),
)


class MiniPrograms(StandIn):
    """Mini-programs whose customer service is pushed to a server; `format` and `mode` are what the console offers."""

    name: ClassVar[str] = "wechat_miniprogram"
    look: ClassVar[Look] = Look(
        en="WeChat Mini Program",
        zh="微信小程序",
        color="#10aeff",
        mark="小",
        shown=("app_id", "app_secret", "token", "encoding_aes_key", "original_id"),
        codes=(45015, 45047, 40001, 42001, 45009, -1, 40003, 48001),
        files=("image",),
        moves=MOVES,
        window_hours=48.0,
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._access = Access(world, self.name)
        self._files = Files(world, LIMITS)
        self._pushes = Pushes(world)
        self._events = Announcer(world, self._pushes)
        self._replies = Replies(world, self._files, "小程序客服")

    def routes(self, router: Router) -> None:
        """Register the paths of api.weixin.qq.com that a mini-program has."""
        door = self._access.door
        router.add("GET", "/cgi-bin/token", self._access.token)
        router.add("POST", "/cgi-bin/stable_token", self._access.stable_token)
        router.add("POST", "/cgi-bin/media/upload", door(self._files.upload))
        router.add("GET", "/cgi-bin/media/get", door(self._files.download))
        router.add("GET", "/cgi-bin/getcallbackip", door(self._addresses))
        router.add("GET", "/cgi-bin/get_api_domain_ip", door(self._addresses))
        speaking = Speaking(self.world, self._access, Drafts(self._files, TYPES), self._events)
        speaking.routes(router)
        router.add("POST", "/cgi-bin/message/subscribe/send", door(speaking.notice, sends=True))
        Listing(self._access).routes(router)
        Console(self.world, self.name).routes(router)

    async def _addresses(self, asked: Asked) -> Response:
        del asked
        return json_response({"ip_list": ["127.0.0.1"]})

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A mini-program; its id is the app id."""
        made = str(given.get("id") or "wx" + secrets.token_hex(8))
        content = "订单编号：{{character_string1.DATA}}\n状态：{{phrase2.DATA}}"
        settings = {
            "app_id": made,
            "app_secret": secrets.token_hex(16),
            "token": secrets.token_hex(12),
            "encoding_aes_key": crypto.new_key(),
            "original_id": "gh_" + secrets.token_hex(6),
            "format": "json",
            "mode": "safe",
            "open_platform": "sandbox",
            "daily_limit": 500_000,
            "templates": [{"template_id": "order-notice", "title": "订单状态提醒", "content": content}],
        }
        return made, "Sandbox 小程序", settings

    # -- the customer's side -----------------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """Words, a picture or a card."""
        kind, now = str(wish.get("type") or "text"), self.world.clock.now()
        bubble = Bubble(id=str(wish.get("id") or digits(17)), side="customer", kind=kind, at=now)
        content = self._content(account, wish, bubble, origin)
        number = int(bubble.id) if bubble.id.isdigit() else bubble.id
        told = {
            **self._events.head(account, customer),
            **content,
            "MsgId": number,
            **wishes.fields(wish, "raw"),
        }
        bubble.raw = told
        self.world.show(chat, bubble)
        openid = people.openid(self.world, account, customer)
        window.grant(account, openid, "message", TO_WRITE, now)
        self._pushes.send(
            account,
            chat,
            told,
            openid=openid,
            heard=lambda answer: self._replies.hear(account, chat, openid, bubble, answer),
            gone=lambda: self._replies.none_came(chat, bubble),
        )
        return [bubble]

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble, origin: str) -> Json:
        if bubble.kind == "text":
            bubble.text = str(wish.get("text") or "")
            return {"MsgType": "text", "Content": bubble.text}
        if bubble.kind == "image":
            source = self.world.state.media.get(str(wish.get("file") or ""))
            if source is None:
                raise Refused(400, "file: give the key that POST /sandbox/media answered")
            made = self._files.keep(account, "image", source.name, source.content_type, source.content)
            bubble.attachments = [attachment(made, "image")]
            return {
                "MsgType": "image",
                "PicUrl": f"{origin}/weixin/files/{made.key}",
                "MediaId": made.key,
            }
        if bubble.kind == "miniprogrampage":
            cover = self._files.keep(account, "image", "cover.jpg", "image/jpeg", COVER)
            bubble.title = str(wish.get("title") or "我的订单")
            bubble.text = str(wish.get("page") or "pages/order?id=1")
            return {
                "MsgType": "miniprogrampage",
                "Title": bubble.title,
                "AppId": account.id,
                "PagePath": bubble.text,
                "ThumbUrl": f"{origin}/weixin/files/{cover.key}",
                "ThumbMediaId": cover.key,
            }
        raise Refused(422, f"type: customers of a mini-program send no {bubble.kind}")

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Open the chat, answer to a request for notices."""
        if action == "enter":
            openid = people.openid(self.world, account, customer)
            window.grant(account, openid, "enter", TO_ENTER, self.world.clock.now())
            origin = str(wish.get("session_from") or "")
            self._events.write_down(chat, "进入会话" + (f"（{origin}）" if origin else ""))
            self._events.tell(account, customer, chat, "user_enter_tempsession", SessionFrom=origin)
        elif action in {"allow", "refuse"}:
            self._events.decide(account, customer, chat, wish, allows=action == "allow")
        elif action != "typing":  # WeChat does not tell it
            super().act(account, customer, chat, action, wish)
