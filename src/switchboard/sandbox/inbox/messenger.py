"""Messenger's stand-in: pages, with the paths of the Graph API that all of this folder shares."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.graph.routes import V, guard
from switchboard.sandbox.inbox import hooks
from switchboard.sandbox.inbox.errors import CODES
from switchboard.sandbox.inbox.objects import Objects
from switchboard.sandbox.inbox.people import Inbox
from switchboard.sandbox.inbox.templates import Templates
from switchboard.sandbox.inbox.tokens import Tokens
from switchboard.sandbox.standin import Look, Move
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.web import Handler, Router

Json = dict[str, Any]
ID = r"(?P<id>[0-9]+(?:_[0-9]+)?|me)"
STICKERS = ("369239263222822", "369239343222814", "369239383222810")

MOVES = (
    Move(en="Get Started", zh="点击“开始使用”", wish={"type": "get_started"}),
    Move(en="Sticker", zh="贴图", wish={"type": "sticker"}),
    Move(en="Location", zh="位置", wish={"type": "location"}),
    Move(en="Share a page", zh="分享网页", wish={"type": "link", "url": "https://shop.example/lamp"}),
    Move(en="Write after an advertisement", zh="从广告进入并留言", wish={"type": "ad"}),
    Move(en="Click an advertisement", zh="点击广告", wish={"action": "ad_click"}),
    Move(en="Come by an m.me link", zh="通过 m.me 链接进入", wish={"action": "referral"}, ask="ref"),
    Move(en="Ask about a product", zh="咨询商品", wish={"type": "product"}),
    Move(en="Comment on the page's post", zh="评论主页帖子", wish={"type": "comment"}, ask="text"),
    Move(en="Post on the page's wall", zh="在主页发帖", wish={"type": "visitor_post"}, ask="text"),
    Move(en="Opt in", zh="订阅消息", wish={"action": "optin"}),
    Move(en="Tick the checkbox of a form", zh="勾选网页复选框", wish={"action": "checkbox"}),
    Move(en="Link an account", zh="绑定账号", wish={"action": "link"}),
    Move(en="Unlink it", zh="解绑账号", wish={"action": "unlink"}),
    Move(
        en="The company answers elsewhere",
        zh="企业在其他工具中回复",
        wish={"action": "elsewhere"},
        ask="text",
    ),
    Move(en="Another app takes the chat", zh="其他应用接管会话", wish={"action": "take"}),
    Move(en="It hands the chat back", zh="其他应用交还会话", wish={"action": "pass"}),
    Move(en="Block", zh="屏蔽", wish={"action": "block"}),
    Move(en="Unblock", zh="取消屏蔽", wish={"action": "unblock"}),
    Move(en="Something without content", zh="平台不提供内容的消息", wish={"type": "unsupported"}),
)


class Messenger(Inbox):
    """Facebook pages."""

    name: ClassVar[str] = "messenger"
    look: ClassVar[Look] = Look(
        en="Messenger",
        zh="Messenger",
        color="#0866ff",
        mark="M",
        shown=("access_token", "app_secret", "verify_token", "app_id"),
        codes=CODES,
        moves=MOVES,
        menu=("edit", "revoke", "reaction"),
        window_hours=24,
    )

    def routes(self, router: Router) -> None:
        """Register the Graph API's paths of pages and professional accounts; tokens of others are left to siblings."""
        api, templates, keys = Objects(self.world), Templates(self.world), Tokens(self.world)
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/me/?", api.me),
            ("GET", "/me/accounts", api.pages),
            ("POST", f"/{ID}/messages", api.messages),
            ("POST", f"/{ID}/message_attachments", api.upload),
            ("POST", f"/{ID}/comments", api.comment),
            ("POST", f"/{ID}/replies", api.reply),
            ("POST", f"/{ID}/mentions", api.mentions),
            ("*", f"/{ID}/subscribed_apps", api.subscribed_apps),
            ("*", f"/{ID}/subscriptions", api.subscriptions),
            ("*", f"/{ID}/messenger_profile", api.messenger_profile),
            ("*", f"/{ID}/message_templates", templates.message_templates),
            ("GET", "/debug_token", keys.debug_token),
            ("GET", "/message_template_library", templates.message_template_library),
            ("GET", f"/{ID}/?", api.read_object),
        ]
        for method, pattern, handler in table:
            router.add(method, V + pattern, guard(handler))
        router.add("GET", "/refresh_access_token", guard(keys.refresh))
        router.add("GET", r"/meta-cdn/face/(?P<customer>[^/]+)\.png", api.face)
        router.add("GET", "/meta-cdn/{key}/{name}", api.file)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A page of an app. Pages with one access token are one business's."""
        settings = {
            "access_token": "EAA" + secrets.token_urlsafe(60),
            "page_token": "EAA" + secrets.token_urlsafe(60),
            "app_id": digits(15),
            "app_secret": secrets.token_hex(16),
            "verify_token": secrets.token_urlsafe(12),
            "fields": [],
            "receipts": "delivered",
            "human_agent": True,
            "utility": True,
        }
        return str(given.get("id") or "10" + digits(13)), "Sandbox Shop", settings

    def shared(self, kind: str, url: str) -> Json:
        """A post or reel that the person passes on."""
        kind = "reel" if kind == "reel" else "fallback"
        return {
            "attachments": [{"type": kind, "title": "Shared", "payload": {"url": url, "title": "Shared"}}]
        }

    def special(self, account: PlatformAccount, bubble: Bubble, wish: Json, origin: str) -> Json:
        """Stickers, places, links."""
        if bubble.kind == "sticker":
            sticker = str(wish.get("sticker") or STICKERS[0])
            bubble.text = "\N{THUMBS UP SIGN}"
            url = f"https://cdn.example/sticker/{sticker}.png"
            return {"attachments": [{"type": "image", "payload": {"url": url, "sticker_id": int(sticker)}}]}
        if bubble.kind == "location":
            place = dict(wish.get("location") or {"latitude": 31.2304, "longitude": 121.4737, "name": "Shop"})
            bubble.location = place
            spot = {"lat": place["latitude"], "long": place["longitude"]}
            told = {
                "type": "location",
                "title": str(place.get("name") or ""),
                "payload": {"coordinates": spot},
            }
            return {"attachments": [told]}
        if bubble.kind == "link":
            url = str(wish.get("url") or "https://shop.example/")
            bubble.kind, bubble.text = "text", bubble.text or url
            preview = {"type": "fallback", "title": "A lamp", "payload": {"url": url, "title": "A lamp"}}
            return {"text": bubble.text, "attachments": [preview]}
        return super().special(account, bubble, wish, origin)

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Opt in, tick a box, link an account; the rest as on Instagram."""
        if action == "optin":
            hooks.in_chat(self.world, account, customer, chat, "optin", {"ref": "newsletter"})
        elif action == "checkbox":
            reference = str(wish.get("user_ref") or secrets.token_hex(12))
            account.kept.setdefault("references", {})[reference] = customer.id
            item = {
                "recipient": {"id": account.id},
                "timestamp": hooks.now_ms(self.world),
                "optin": {"ref": "order", "user_ref": reference},
            }
            hooks.tell(self.world, account, chat, "optin", item)
        elif action in {"link", "unlink"}:
            code = {"authorization_code": secrets.token_hex(8)} if action == "link" else {}
            hooks.in_chat(
                self.world, account, customer, chat, "account_linking", {"status": f"{action}ed", **code}
            )
        else:
            super().act(account, customer, chat, action, wish)
