"""Douyin's stand-in: its look, its paths, its customers' side."""

import secrets
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import msgspec

from switchboard.sandbox.douyin import events
from switchboard.sandbox.douyin.api import Api
from switchboard.sandbox.douyin.errors import CODES, DouyinError, by_data, by_extra, by_number
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment
from switchboard.sandbox.web import Handler, Refused, Request, Response, Router
from switchboard.sandbox.world import World

Json = dict[str, Any]
FILES = {"image": "user_local_image", "video": "user_local_video"}
POST_TITLE = "新品上市 · New in store"
GROUP_TITLE = "粉丝群"


class Douyin(StandIn):
    """Business accounts that have authorised an app."""

    name: ClassVar[str] = "douyin"
    look: ClassVar[Look] = Look(
        en="Douyin",
        zh="抖音",
        color="#161823",
        mark="抖",
        shown=("client_key", "client_secret", "refresh_token"),
        codes=CODES,
        files=("image", "video"),
        menu=("revoke",),
        window_hours=24,
        moves=(
            Move(en="Open the chat", zh="进入私信会话页", wish={"action": "enter"}),
            Move(
                en="Open the chat from an advertisement",
                zh="从广告进入私信",
                wish={"action": "enter", "ad": True},
            ),
            Move(en="Comment on a video", zh="在视频下评论", wish={"type": "comment"}, ask="text"),
            Move(en="Sticker", zh="表情", wish={"type": "sticker"}),
            Move(en="Share a video", zh="分享视频", wish={"type": "share"}),
            Move(en="Fill in the contact card", zh="填写留资卡片", wish={"type": "form"}),
            Move(en="Something Douyin will invent", zh="其他类型的消息", wish={"type": "other"}),
            Move(en="Join the fan group", zh="加入粉丝群", wish={"action": "group"}),
            Move(
                en="The owner answers on the phone", zh="商家在手机上回复", wish={"type": "owner"}, ask="text"
            ),
            Move(
                en="The shop withdraws its authorisation", zh="商家取消授权", wish={"action": "unauthorize"}
            ),
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._api = Api(world)

    def routes(self, router: Router) -> None:
        """Register open.douyin.com."""
        api = self._api
        table: list[tuple[str, str, Handler, Any]] = [
            ("POST", "/oauth/client_token/?", api.client_token, by_data),
            ("POST", "/oauth/refresh_token/?", api.refresh, by_data),
            ("POST", "/oauth/renew_refresh_token/?", api.renew, by_data),
            ("POST", "/oauth/userinfo/?", api.userinfo, by_data),
            ("POST", "/im/send/msg/?", api.send, by_extra),
            ("POST", "/im/send/msg/group/?", api.send_to_group, by_extra),
            ("POST", "/im/recall/msg/?", api.recall, by_number),
            ("POST", "/tool/imagex/client_upload/?", api.upload, by_extra),
            ("GET", "/api/im/message/resources/?", api.resource, by_number),
            ("POST", "/item/comment/reply/?", api.comment, by_extra),
            ("POST", "/api/douyin/v1/video/video_data/?", api.videos, by_extra),
        ]
        for method, pattern, handler, form in table:
            router.add(method, pattern, _guard(handler, form))
        router.add("GET", "/douyin-media/{name}", api.stored)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account; give `client_key` and `client_secret` to add one to an app."""
        settings = {
            "client_key": "aw" + secrets.token_hex(7),
            "client_secret": secrets.token_hex(16),
            "refresh_token": "rft." + secrets.token_hex(20),
            "window_hours": 24,
            "window_messages": 6,
            "kind": "mini_program",
            "authorised": True,
        }
        return str(given.get("id") or uuid4()), "沙盒商店", settings

    # -- the customer's side -------------------------------------------------------------------------------

    def chat(self, account: PlatformAccount, customer: Customer, wish: Json) -> Chat:
        """The private chat; `room` names a video or a group, a comment without one goes under the first video."""
        room = str(wish.get("room") or "")
        if wish.get("type") == "comment" and not room:
            items = events.rooms(account, "items")
            if not items:
                self._post(account)
            room = next(iter(items))
        if (
            room
            and room not in events.rooms(account, "items")
            and room not in events.rooms(account, "groups")
        ):
            raise Refused(404, "room: the account has no such video or group")
        return self.world.store.chat(self.name, account.id, room or customer.id)

    def _post(self, account: PlatformAccount) -> str:
        item = events.new_id()
        events.rooms(account, "items")[item] = {
            "title": POST_TITLE,
            "cover": "https://p3.douyinpic.example/cover.jpeg",
            "share_url": f"https://www.iesdouyin.example/share/video/{len(account.kept['items'])}",
        }
        self.world.store.chat(self.name, account.id, item).title = POST_TITLE
        return item

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A private message, a group's message, a comment, a recall, or the owner's own words."""
        del origin
        kind = str(wish.get("type") or "text")
        if kind == "revoke":
            return self._recall(account, customer, chat, wish)
        if chat.peer in events.rooms(account, "items"):
            return [self._comment(account, customer, chat, wish)]
        if kind == "owner":
            return [self._owner(account, customer, chat, wish)]
        me, group = events.open_id(self.world, account, customer), chat.peer if chat.title else ""
        bubble = Bubble(
            id=str(wish.get("id") or events.new_id()), side="customer", kind=kind, at=self.world.clock.now(),
            author=customer.id if group else "",
        )  # fmt: skip
        content: Json = {
            "conversation_short_id": group or events.conversation(account, customer.id),
            "server_message_id": bubble.id,
            "conversation_type": 2 if group else 1,
            "create_time": int(bubble.at * 1000),
            **self._content(account, wish, bubble),
            "source": "",
            "user_infos": events.profiles(account, customer, me),
        }
        if group:
            content["group_id"] = group
        content.update(wish.get("raw") or {})
        bubble.raw = content
        self.world.show(chat, bubble)
        if not group:
            self._api.opens(account, chat, bubble.id)
        event = "im_group_receive_msg" if group else "im_receive_msg"
        events.tell(self.world, account, chat, event, me, account.id, content)
        return [bubble]

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble) -> Json:
        kind = bubble.kind
        if kind == "text":
            bubble.text = str(wish.get("text") or "")
            return {"message_type": "text", "text": bubble.text}
        if kind in FILES:
            source = self.world.state.media.get(str(wish.get("file") or ""))
            if source is None:
                raise Refused(400, "file: give the key that POST /sandbox/media answered")
            bubble.attachments = [attachment(source, kind)]
            mini = account.settings["kind"] == "mini_program"
            return {"message_type": FILES[kind] if mini else kind}
        if kind == "sticker":
            url = "https://p3.douyinpic.example/sticker.gif"
            return {"message_type": "emoji", "resource_type": "gif", "resource_width": 240, "resource_height": 240, "resource_url": url}  # fmt: skip
        if kind == "share":
            bubble.text = "[video]"
            return {"message_type": "video", "item_id": events.new_id()}
        if kind == "form":
            values = wish.get("values") or {"姓名": "林美", "手机号": "13800000001"}
            bubble.text = " ".join(f"{k}: {v}" for k, v in values.items())
            rows = [{"label": k, "value": v} for k, v in values.items()]
            return {"message_type": "retain_consult_card", "card_id": events.new_id(), "card_status": 1, "card_data": rows}  # fmt: skip
        if kind == "other":
            return {"message_type": "other"}
        raise Refused(422, f"type: Douyin has no {kind}")

    def _owner(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> Bubble:
        words = str(wish.get("text") or "")
        bubble = Bubble(id=events.new_id(), side="business", kind="text", at=self.world.clock.now(), text=words, status="sent")  # fmt: skip
        self.world.show(chat, bubble)
        me = events.open_id(self.world, account, customer)
        self._api.echo(account, chat, bubble.id, {"msg_type": 1, "text": {"text": words}}, me, source="")
        return bubble

    def _comment(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> Bubble:
        bubble = Bubble(
            id=events.new_id(), side="customer", kind="text", at=self.world.clock.now(), author=customer.id,
            text=str(wish.get("text") or ""), reply_to=str(wish.get("reply_to") or ""),
        )  # fmt: skip
        self.world.show(chat, bubble)
        me = events.open_id(self.world, account, customer)
        self._api.tell_comment(account, chat, bubble.id, me, bubble.text, bubble.reply_to)
        return bubble

    def _recall(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> list[Bubble]:
        bubble = chat.find(str(wish.get("target") or ""))
        if bubble is None or bubble.side != "customer":
            raise Refused(404, "target: the customer has said no such thing here")
        bubble.revoked = True
        self.world.changed(chat, bubble)
        me = events.open_id(self.world, account, customer)
        content = {"server_message_id": bubble.id}
        events.tell(self.world, account, chat, "im_recall_msg", me, account.id, content, as_text=True)
        return []

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Open the chat, join the group; the shop checks its webhook address or withdraws its authorisation."""
        me, now = events.open_id(self.world, account, customer), int(self.world.clock.now() * 1000)
        if action == "enter":
            content: Json = {
                "conversation_short_id": events.conversation(account, customer.id),
                "server_message_id": events.new_id(), "conversation_type": 1, "scene_type": 1, "create_time": now,
                "user_infos": events.profiles(account, customer, me),
            }  # fmt: skip
            if wish.get("ad"):
                content["ad_info"] = {"adv_id": 1, "adv_name": "Sandbox", "ad_id": 7, "ad_name": "Summer"}
            self._api.opens(account, chat, content["server_message_id"])
            events.tell(
                self.world, account, chat, "im_enter_direct_msg", me, account.id, content, as_text=True
            )
        elif action == "group":
            groups = events.rooms(account, "groups")
            group = next(iter(groups), "") or events.new_id()
            groups.setdefault(group, {"title": GROUP_TITLE})
            self.world.store.chat(self.name, account.id, group).title = GROUP_TITLE
            content = {
                "open_id": me,
                "im_group_id": group,
                "group_type": 1,
                "create_time": now,
                "create_group_type": "5",
            }
            events.tell(self.world, account, chat, "group_fans_event", me, account.id, content, as_text=True)
        elif action == "unauthorize":
            account.settings["authorised"] = False
            account.kept["access_tokens"] = {}
            events.tell(
                self.world, account, chat, "unauthorize", account.id, "", {"scopes": ["im.direct_message"]}
            )
        elif action == "verify":
            self.world.spawn(self._verify(account))
        elif action != "typing":
            super().act(account, customer, chat, action, wish)

    def described(self, account: PlatformAccount, origin: str) -> Json:
        """Whether the webhook address has said the challenge again."""
        del origin
        return {"webhook_verified": account.kept.get("verified")}

    async def _verify(self, account: PlatformAccount) -> None:
        """Do what the console does when the webhook address is saved."""
        challenge = 1_000 + secrets.randbelow(10**9)
        body = msgspec.json.encode(
            {
                "event": "verify_webhook",
                "client_key": account.settings["client_key"],
                "content": {"challenge": challenge},
            }
        )
        mark = events.signature(str(account.settings["client_secret"]), body)
        headers = {"content-type": "application/json", "x-douyin-signature": mark}
        try:
            answer = await self.world.client.post(account.webhook_url, content=body, headers=headers)
            account.kept["verified"] = answer.json().get("challenge") == challenge
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
            account.kept["verified"] = False

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """Douyin tells nobody who has read what."""
        del account
        chat.unread = 0


def _guard(handler: Handler, form: Any) -> Handler:
    async def guarded(request: Request, **names: str) -> Response:
        try:
            return await handler(request, **names)
        except DouyinError as error:
            refused: Response = form(error)
            return refused

    return guarded
