"""The stand-in of WeChat's service accounts (公众号): its look, its paths, its customers' side."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Refused, Router
from switchboard.sandbox.weixin import crypto, people, window, wishes
from switchboard.sandbox.weixin.access import Access
from switchboard.sandbox.weixin.files import MB, Files, Limit, OpenFiles
from switchboard.sandbox.weixin.listing import Listing
from switchboard.sandbox.weixin.oa_events import Events
from switchboard.sandbox.weixin.oa_menu import Menu
from switchboard.sandbox.weixin.oa_objects import Objects
from switchboard.sandbox.weixin.oa_sending import Sending
from switchboard.sandbox.weixin.push import Console, Pushes
from switchboard.sandbox.weixin.replies import Replies
from switchboard.sandbox.world import World

Json = dict[str, Any]
LIMITS = {
    "image": Limit(10 * MB, ("image/",)),
    "voice": Limit(2 * MB, ("audio/", "video/3gpp")),
    "video": Limit(10 * MB, ("video/mp4",)),
    "thumb": Limit(64 * 1024, ("image/jpeg",)),
}
FILES = {"image": "image", "audio": "voice", "voice": "voice", "video": "video", "shortvideo": "shortvideo"}
STICKER = "【收到不支持的消息类型，暂无法显示】"
TO_WRITE = window.Grant(5, 48 * 3_600)
MOVES = (
    Move(en="Location", zh="位置", wish={"type": "location"}),
    Move(en="Link", zh="链接", wish={"type": "link"}),
    Move(en="Short video", zh="小视频", wish={"type": "shortvideo"}),
    Move(en="Sticker (not readable for accounts)", zh="表情（公众号收不到）", wish={"type": "sticker"}),
    Move(en="Tap the menu", zh="点击自定义菜单", wish={"action": "menu"}, ask="key"),
    Move(en="Scan a QR code with a scene", zh="扫描带参数二维码", wish={"action": "scan"}, ask="scene"),
    Move(en="Follow", zh="关注", wish={"action": "follow"}),
    Move(en="Follow by a QR code", zh="扫码关注", wish={"action": "follow"}, ask="scene"),
    Move(en="Unfollow", zh="取消关注", wish={"action": "unfollow"}),
    Move(en="Report the place", zh="上报地理位置", wish={"action": "location"}),
    Move(en="Allow a notice", zh="允许订阅通知", wish={"action": "allow"}, ask="template_id"),
    Move(en="Refuse a notice", zh="拒绝订阅通知", wish={"action": "refuse"}, ask="template_id"),
    Move(en="Withdraw the authorisation", zh="撤回授权", wish={"action": "revoke_authorization"}),
)


class OfficialAccounts(StandIn):
    """WeChat's service accounts."""

    name: ClassVar[str] = "wechat_oa"
    look: ClassVar[Look] = Look(
        en="WeChat Official Account",
        zh="微信公众号",
        color="#07c160",
        mark="公",
        shown=("app_id", "app_secret", "token", "encoding_aes_key", "original_id"),
        codes=(45015, 45047, 40001, 42001, 45009, -1, 40003, 48001, 45002),
        files=("image", "video", "audio"),
        moves=MOVES,
        window_hours=48.0,
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._access = Access(world, self.name)
        self._files = Files(world, LIMITS, links_films=True)
        self._pushes = Pushes(world)
        self._events = Events(world, self._pushes)
        self._replies = Replies(world, self._files)

    def routes(self, router: Router) -> None:
        """Register the paths of api.weixin.qq.com."""
        door = self._access.door
        router.add("GET", "/cgi-bin/token", self._access.token)
        router.add("POST", "/cgi-bin/stable_token", self._access.stable_token)
        router.add("POST", "/cgi-bin/media/upload", door(self._files.upload))
        router.add("GET", "/cgi-bin/media/get", door(self._files.download))
        router.add("GET", "/cgi-bin/media/get/jssdk", door(self._files.speech))
        Sending(self.world, self._access, self._files, self._events).routes(router)
        Objects(self.world, self._access).routes(router)
        Menu(self._access).routes(router)
        Listing(self._access).routes(router)
        Listing(self._access).routes_of_accounts(router)
        OpenFiles(self.world).routes(router)
        Console(self.world, self.name).routes(router)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A verified service account; its id is the app id."""
        made = str(given.get("id") or "wx" + secrets.token_hex(8))
        settings = {
            "app_id": made,
            "app_secret": secrets.token_hex(16),
            "token": secrets.token_hex(12),
            "encoding_aes_key": crypto.new_key(),
            "original_id": "gh_" + secrets.token_hex(6),
            "mode": "safe",
            "open_platform": "sandbox",
            "daily_limit": 500_000,
            "recognizes_speech": False,
            "kf_accounts": [
                {"kf_account": "desk@shop", "kf_nick": "客服", "kf_id": "1001", "kf_headimgurl": ""}
            ],
            "templates": [
                {
                    "template_id": "order-update",
                    "title": "订单状态通知",
                    "content": "{{first.DATA}}\n订单编号：{{keyword1.DATA}}\n状态：{{keyword2.DATA}}\n{{remark.DATA}}",
                },
                {
                    "template_id": "order-notice",
                    "title": "订单进度通知",
                    "content": "订单编号：{{character_string1.DATA}}\n状态：{{phrase2.DATA}}",
                    "agreed": True,
                },
            ],
        }
        return made, "Sandbox 商店", settings

    # -- the customer's side -----------------------------------------------------------------------------------------

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A message of any kind, or a line of a menu message pressed."""
        if not self._events.follows(account, customer):
            raise Refused(422, "the customer follows this account no more: follow first")
        kind = str(wish.get("type") or "text")
        bubble = Bubble(
            id=str(wish.get("id") or digits(17)), side="customer", kind=kind, at=self.world.clock.now()
        )
        content = self._press(chat, wish) if kind == "press" else self._content(account, wish, bubble, origin)
        if kind == "press":
            bubble.kind, bubble.text = "text", content["Content"]
        told = {**self._events.head(account, customer), **content, "MsgId": _number(bubble.id)}
        told.update(wishes.fields(wish, "raw"))
        bubble.raw = told
        self.world.show(chat, bubble)
        openid = people.openid(self.world, account, customer)
        window.grant(account, openid, "message", TO_WRITE, self.world.clock.now())
        self._pushes.send(
            account,
            chat,
            told,
            openid=openid,
            heard=lambda answer: self._replies.hear(account, chat, openid, bubble, answer),
            gone=lambda: self._replies.none_came(chat, bubble),
        )
        return [bubble]

    def _press(self, chat: Chat, wish: Json) -> Json:
        source = chat.find(str(wish.get("reply_to") or ""))
        button = (
            next((b for b in source.buttons if b.id == str(wish.get("button"))), None) if source else None
        )
        if button is None or button.kind == "url":
            raise Refused(404, "that message has no such line")
        return {"MsgType": "text", "Content": button.title, "bizmsgmenuid": button.id}

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble, origin: str) -> Json:
        kind = bubble.kind
        if kind == "text":
            bubble.text = str(wish.get("text") or "")
            return {"MsgType": "text", "Content": bubble.text}
        if kind == "sticker":
            bubble.text = "[表情]"
            return {"MsgType": "text", "Content": STICKER}
        if kind == "location":
            place = bubble.location = wishes.place(wish)
            label = " ".join(filter(None, (str(place.get("address") or ""), str(place.get("name") or ""))))
            at = {"Location_X": place["latitude"], "Location_Y": place["longitude"], "Scale": 15}
            return {"MsgType": "location", **at, "Label": label}
        if kind == "link":
            url = str(wish.get("url") or "https://shop.example/item/1")
            bubble.title, bubble.text = str(wish.get("title") or "商品"), url
            about = str(wish.get("description") or "")
            return {"MsgType": "link", "Title": bubble.title, "Description": about, "Url": url}
        if kind in FILES:
            return self._file(account, wish, bubble, origin)
        raise Refused(422, f"type: customers of a service account send no {kind}")

    def _file(self, account: PlatformAccount, wish: Json, bubble: Bubble, origin: str) -> Json:
        kind = FILES[bubble.kind]
        source = self.world.state.media.get(str(wish.get("file") or ""))
        if source is None and kind != "shortvideo":
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        name, of_type, content = (
            (source.name, source.content_type, source.content)
            if source
            else ("film.mp4", "video/mp4", b"\x00\x00\x00\x18ftypmp42")
        )
        media = self._files.keep(account, kind, name, of_type, content)
        bubble.kind, bubble.attachments = kind, [attachment(media, kind)]
        told: Json = {"MsgType": kind, "MediaId": media.key}
        if kind == "image":
            told["PicUrl"] = f"{origin}/weixin/files/{media.key}"
        elif kind == "voice":
            told["Format"] = name.rpartition(".")[2] or "amr"
            told["MediaId16K"] = media.key
            if wish.get("text") or account.settings.get("recognizes_speech"):
                told["Recognition"] = bubble.text = str(wish.get("text") or "")
        else:
            told["ThumbMediaId"] = media.key
        return told

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Follow, unfollow, scan, tap the menu, report a place, answer to a request for notices."""
        if action == "typing":  # WeChat does not tell it
            return
        if not self._events.act(account, customer, chat, action, wish):
            super().act(account, customer, chat, action, wish)


def _number(text: str) -> object:
    return int(text) if text.isdigit() else text
