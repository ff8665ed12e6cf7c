"""LINE's stand-in: its look, its paths, its customers' side."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.line import events, stickers
from switchboard.sandbox.line.access import Tokens
from switchboard.sandbox.line.errors import CODES, LineError
from switchboard.sandbox.line.objects import Objects
from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Handler, Refused, Request, Response, Router

Json = dict[str, Any]
CONTENT_SECONDS = 14 * 86_400
FILES = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "file",
    "file": "file",
}
BIG = 10_000
STICKER = "52002734"

MOVES = (
    Move(en="Sticker", zh="贴图", wish={"type": "sticker"}),
    Move(en="Location", zh="位置", wish={"type": "location"}),
    Move(en="Tap the rich menu", zh="点按图文菜单", wish={"type": "menu"}, ask="data"),
    Move(
        en="Pick a date",
        zh="选择日期",
        wish={"type": "menu", "data": "date", "params": {"date": "2026-12-24"}},
    ),
    Move(
        en="Picture from elsewhere",
        zh="外部图片",
        wish={"type": "image", "external": "https://shop.example/a.png"},
    ),
    Move(en="Film that LINE still prepares", zh="处理中的视频", wish={"type": "video", "preparing": 5}),
    Move(en="Add as a friend", zh="加为好友", wish={"action": "follow"}),
    Move(en="Block", zh="屏蔽", wish={"action": "block"}),
    Move(en="Unblock", zh="取消屏蔽", wish={"action": "unblock"}),
    Move(
        en="Found a group with the account",
        zh="创建群组并邀请官方账号",
        wish={"action": "group"},
        ask="title",
    ),
    Move(en="Remove the account from this group", zh="把官方账号移出群组", wish={"action": "kick"}),
    Move(en="Leave this group", zh="退出群组", wish={"action": "leave"}),
    Move(en="Come near a beacon", zh="进入 Beacon 范围", wish={"action": "beacon"}),
    Move(en="Link an account", zh="绑定账号", wish={"action": "link"}),
    Move(en="Something LINE will invent", zh="尚不存在的消息类型", wish={"type": "unknown"}),
)


class Line(StandIn):
    """Official Accounts of LINE."""

    name: ClassVar[str] = "line"
    look: ClassVar[Look] = Look(
        en="LINE",
        zh="LINE",
        color="#06c755",
        mark="L",
        shown=("access_token", "channel_secret", "channel_id"),
        codes=CODES,
        moves=MOVES,
        menu=("revoke",),
    )

    def routes(self, router: Router) -> None:
        """Register LINE's paths: api.line.me, api-data.line.me and the server of stickers in one."""
        api = Objects(self.world)
        Tokens(self.world).routes(router)
        router.add("GET", "/stickershop/v1/sticker/{number}/android/sticker.png", stickers.serve)
        bot, room = "/v2/bot", "/v2/bot/(?:group|room)/{room}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", f"{bot}/info", api.info),
            ("POST", f"{bot}/message/reply", api.reply),
            ("POST", f"{bot}/message/push", api.push),
            ("POST", f"{bot}/message/multicast", api.multicast),
            ("POST", f"{bot}/message/validate/(?:reply|push|multicast)", api.validate),
            ("GET", f"{bot}/message/quota", api.quota),
            ("GET", f"{bot}/message/quota/consumption", api.consumption),
            ("GET", f"{bot}/message/{{message}}/content", api.content),
            ("GET", f"{bot}/message/{{message}}/content/preview", api.content),
            ("GET", f"{bot}/message/{{message}}/content/transcoding", api.transcoding),
            ("GET", f"{bot}/profile/{{user}}", api.profile),
            ("GET", f"{bot}/followers/ids", api.followers),
            ("GET", f"{bot}/group/{{room}}/summary", api.summary),
            ("GET", f"{room}/members/count", api.count),
            ("GET", f"{room}/members/ids", api.members),
            ("GET", f"{room}/member/{{user}}", api.member),
            ("POST", f"{room}/leave", api.leave),
            ("POST", f"{bot}/richmenu", api.make_menu),
            ("GET", f"{bot}/richmenu/list", api.menus),
            ("*", f"{bot}/richmenu/{{menu}}/content", api.menu_picture),
            ("*", f"{bot}/richmenu/{{menu}}", api.menu),
            ("POST", f"{bot}/user/all/richmenu/{{menu}}", api.menu_of_all),
            ("*", f"{bot}/user/all/richmenu", api.menu_of_all),
            ("POST", f"{bot}/user/{{user}}/richmenu/{{menu}}", api.menu_of),
            ("*", f"{bot}/user/{{user}}/richmenu", api.menu_of),
            ("POST", f"{bot}/user/{{user}}/linkToken", api.link_token),
            ("GET", f"{bot}/channel/webhook/endpoint", api.endpoint),
            ("PUT", f"{bot}/channel/webhook/endpoint", api.set_endpoint),
            ("POST", f"{bot}/channel/webhook/test", api.test_endpoint),
            ("POST", f"{bot}/chat/loading/start", api.loading),
            ("POST", f"{bot}/chat/markAsRead", api.mark_as_read),
            ("*", f"{bot}/.*", self._unknown),
        ]
        for method, pattern, handler in table:
            router.add(method, pattern, _guard(handler))

    async def _unknown(self, request: Request) -> Response:
        del request
        raise LineError(404)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A channel of a provider; its account id is the bot's user id."""
        settings = {
            "channel_id": "2" + digits(9),
            "channel_secret": secrets.token_hex(16),
            "access_token": secrets.token_urlsafe(96),
            "provider_id": digits(10),
            "basic_id": "@" + secrets.token_hex(4),
            "use_webhook": True,
            "redelivery": True,
            "monthly_limit": 0,
        }
        return str(given.get("id") or "U" + secrets.token_hex(16)), "Sandbox Shop", settings

    # -- the customer's side -----------------------------------------------------------------------------------------

    def chat(self, account: PlatformAccount, customer: Customer, wish: Json) -> Chat:
        """The private chat, or a group by its id."""
        room = str(wish.get("room") or "")
        if not room:
            return self.world.store.chat(self.name, account.id, customer.id)
        if room not in events.rooms(account):
            raise Refused(404, "room: the account is in no such group")
        return self.world.store.chat(self.name, account.id, room)

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A message of any kind, a pressed button, a message taken back."""
        del origin
        kind = str(wish.get("type") or "text")
        if kind == "revoke":
            return self._unsend(account, customer, chat, wish)
        self._come(account, customer, chat)
        if kind == "menu":
            postback = {"data": str(wish.get("data") or "menu"), **_params(wish)}
            self._tell(account, customer, chat, "postback", postback=postback)
            return []
        if kind == "press":
            return self._press(account, customer, chat, wish)
        return [self._say(account, customer, chat, kind, wish)]

    def _say(self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, wish: Json) -> Bubble:
        bubble = Bubble(
            id=str(wish.get("id") or digits(18)),
            side="customer",
            kind=kind,
            at=self.world.clock.now(),
            reply_to=str(wish.get("reply_to") or ""),
            author=customer.id if chat.title else "",
        )
        message: Json = {"id": bubble.id, "type": FILES.get(kind, kind)}
        message.update(self._content(account, wish, bubble))
        if kind in {"text", "sticker", "image", "video"}:
            message["quoteToken"] = secrets.token_urlsafe(24)
        if not chat.title:
            message["markAsReadToken"] = secrets.token_urlsafe(24)
        if chat.find(bubble.reply_to) and kind in {"text", "sticker"}:
            message["quotedMessageId"] = bubble.reply_to
        message.update(wish.get("raw") or {})
        bubble.raw = {"message": message}
        self.world.show(chat, bubble)
        self._tell(account, customer, chat, "message", message=message)
        return bubble

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble) -> Json:
        kind = bubble.kind
        if kind in FILES:
            return self._file(account, wish, bubble)
        if kind == "text":
            bubble.text = str(wish.get("text") or "")
            return {"text": bubble.text}
        if kind == "sticker":
            sticker = str(wish.get("sticker") or STICKER)
            bubble.text = str(wish.get("text") or "[sticker]")
            about = {
                "packageId": stickers.package_of(sticker) or "1",
                "stickerId": sticker,
                "stickerResourceType": "STATIC",
            }
            return {
                **about,
                "keywords": ["hello", "ok"],
                **({"text": wish["text"]} if wish.get("text") else {}),
            }
        if kind == "location":
            place = wish.get("location") or {
                "latitude": 35.6812,
                "longitude": 139.7671,
                "name": "Tokyo Station",
            }
            bubble.location = dict(place)
            named = {"title": place.get("name"), "address": place.get("address") or "1-9-1 Marunouchi"}
            told = {"latitude": place["latitude"], "longitude": place["longitude"]}
            return {**{k: v for k, v in named.items() if v}, **told}
        if kind == "unknown":
            bubble.kind = "unsupported"
            return {"type": "hologram", "shape": "cube"}
        raise Refused(422, f"type: LINE has no {kind}")

    def _file(self, account: PlatformAccount, wish: Json, bubble: Bubble) -> Json:
        kind = FILES[bubble.kind]
        told: Json = (
            {"fileName": "", "fileSize": 0} if kind == "file" else {"contentProvider": {"type": "line"}}
        )
        if kind in {"video", "audio"}:
            told["duration"] = int(wish.get("duration") or BIG)
        if wish.get("external") and kind != "file":
            url = str(wish["external"])
            bubble.text = url
            told["contentProvider"] = {"type": "external", "originalContentUrl": url, "previewImageUrl": url}
            return told
        source = self.world.state.media.get(str(wish.get("file") or ""))
        if source is None and not wish.get("preparing"):
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        now = self.world.clock.now()
        media = self.world.store.keep(
            account=account.id,
            name=source.name if source else "film.mp4",
            content_type=source.content_type if source else "video/mp4",
            content=source.content if source else b"\x00\x00\x00\x18ftypmp42",
            now=now,
            key=bubble.id,
            expires_at=now + CONTENT_SECONDS,
        )
        if wish.get("preparing"):
            account.kept.setdefault("preparing", {})[bubble.id] = now + float(wish["preparing"])
        bubble.attachments = [attachment(media, bubble.kind)]
        if kind == "file":
            told = {"fileName": media.name, "fileSize": len(media.content)}
        return told

    def _press(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> list[Bubble]:
        source = chat.find(str(wish.get("reply_to") or ""))
        actions = source.raw.get("actions", []) if source else []
        number = str(wish.get("button") or "")
        if source is None or not number.isdigit() or int(number) >= len(actions):
            raise Refused(404, "that message has no such button")
        action = actions[int(number)]
        kind = action["type"]
        said = str(action.get("text") or "")
        if kind == "message":
            return [self._say(account, customer, chat, "text", {"text": said})]
        if kind == "location":
            return [self._say(account, customer, chat, "location", wish)]
        shown: list[Bubble] = []
        if kind == "postback" and (said or action.get("displayText")):
            words = str(action.get("displayText") or said)
            shown = [
                Bubble(id=digits(18), side="customer", kind="text", at=self.world.clock.now(), text=words)
            ]
            self.world.show(chat, shown[0])
        if kind == "datetimepicker":
            mode = str(action.get("mode") or "date")
            picked = {"date": "2026-12-24", "time": "18:30", "datetime": "2026-12-24T18:30"}[mode]
            self._tell(
                account,
                customer,
                chat,
                "postback",
                postback={"data": action["data"], "params": {mode: picked}},
            )
        elif kind == "postback":
            self._tell(
                account, customer, chat, "postback", postback={"data": action["data"], **_params(wish)}
            )
            if said:
                return [*shown, self._say(account, customer, chat, "text", {"text": said})]
        return shown

    def _unsend(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> list[Bubble]:
        bubble = chat.find(str(wish.get("target") or ""))
        if bubble is None or bubble.side != "customer":
            raise Refused(404, "target: the customer has said no such thing here")
        bubble.revoked = True
        self.world.state.media.pop(bubble.id, None)
        self.world.changed(chat, bubble)
        self._tell(account, customer, chat, "unsend", unsend={"messageId": bubble.id})
        return []

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Become a friend, block, found and leave groups, pass a beacon, link an account."""
        if action in {"follow", "unblock"}:
            was = chat.blocked
            chat.blocked = False
            self._tell(account, customer, chat, "follow", follow={"isUnblocked": was})
        elif action in {"unfollow", "block"}:
            chat.blocked = True
            self._tell(account, customer, chat, "unfollow")
        elif action in {"group", "room"}:
            self._found(account, customer, wish, "C" if action == "group" else "R")
        elif action == "kick" and chat.title:
            self._tell(account, customer, chat, "leave", without_person=True)
            events.rooms(account).pop(chat.peer, None)
        elif action == "leave" and chat.title:
            self._leave(account, customer, chat)
        elif action == "beacon":
            self._tell(account, customer, chat, "beacon", beacon={"hwid": "d41d8cd98f", "type": "enter"})
        elif action == "link":
            link = {"result": "ok", "nonce": secrets.token_hex(16)}
            self._tell(account, customer, chat, "accountLink", link=link)
        elif action != "typing":  # LINE does not tell it
            super().act(account, customer, chat, action, wish)

    def _found(self, account: PlatformAccount, customer: Customer, wish: Json, letter: str) -> None:
        title = str(wish.get("title") or "Family")
        room = str(wish.get("id") or letter + secrets.token_hex(16))
        events.rooms(account)[room] = {"name": title, "members": [customer.id]}
        chat = self.world.store.chat(self.name, account.id, room)
        chat.title = title
        self._tell(account, customer, chat, "join", without_person=True)
        self.world.feed.publish("chat", chat=chat.key)

    def _come(self, account: PlatformAccount, customer: Customer, chat: Chat) -> None:
        """Who writes into a group for the first time has joined it just before."""
        room = events.rooms(account).get(chat.peer)
        if room is None or customer.id in room["members"]:
            return
        room["members"].append(customer.id)
        self._moved(account, customer, chat, "memberJoined", "joined")

    def _leave(self, account: PlatformAccount, customer: Customer, chat: Chat) -> None:
        members = events.rooms(account)[chat.peer]["members"]
        if customer.id in members:
            members.remove(customer.id)
            self._moved(account, customer, chat, "memberLeft", "left")

    def _moved(self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, word: str) -> None:
        user = events.user_id(self.world, account, customer)
        members = {"members": [{"type": "user", "userId": user}]}
        self._tell(account, customer, chat, kind, without_person=True, **{word: members})

    def _tell(
        self,
        account: PlatformAccount,
        customer: Customer,
        chat: Chat,
        kind: str,
        *,
        without_person: bool = False,
        **content: Any,
    ) -> None:
        told = events.event(self.world, account, customer, chat, kind, **content)
        if without_person:
            told["source"].pop("userId")
        events.post(self.world, account, chat, [told])


def _params(wish: Json) -> Json:
    return {"params": wish["params"]} if isinstance(wish.get("params"), dict) else {}


def _guard(handler: Handler) -> Handler:
    """Turn refusals into LINE's form."""

    async def serve(request: Request, **names: str) -> Response:
        try:
            return await handler(request, **names)
        except LineError as error:
            return error.response()
        except Refused as error:
            return LineError(error.status, error.reason).response()

    return serve
