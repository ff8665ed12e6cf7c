"""The stand-in of WeCom's customer service (微信客服): its look, its paths, its customers' and colleagues' side."""

import secrets
from collections.abc import Callable
from typing import Any, ClassVar

from switchboard.sandbox.standin import Look, Move, StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, Media, PlatformAccount, attachment
from switchboard.sandbox.web import Refused, Router
from switchboard.sandbox.weixin import crypto, kf_sessions, people, window, wishes
from switchboard.sandbox.weixin.access import Access
from switchboard.sandbox.weixin.files import MB, Files, Limit
from switchboard.sandbox.weixin.kf_cards import CARDS
from switchboard.sandbox.weixin.kf_log import Log, desks
from switchboard.sandbox.weixin.kf_sending import Sending, chat_of, event
from switchboard.sandbox.weixin.kf_sessions import Sessions
from switchboard.sandbox.weixin.push import Console, Pushes
from switchboard.sandbox.world import World

Json = dict[str, Any]
AMR = ("audio/amr", "audio/3gpp", "application/octet-stream")
LIMITS = {
    "image": Limit(10 * MB, ("image/",)),
    "voice": Limit(2 * MB, AMR, 301017),
    "video": Limit(10 * MB, ("video/mp4",)),
    "file": Limit(20 * MB),
}
FILES = {
    "image": "image",
    "audio": "voice",
    "voice": "voice",
    "video": "video",
    "document": "file",
    "file": "file",
}
TO_WRITE = window.Grant(5, 48 * 3_600)
MOVES = (
    Move(en="Enter the chat", zh="进入会话", wish={"action": "enter"}),
    Move(
        en="Enter by a link with a scene", zh="通过带场景值的链接进入", wish={"action": "enter"}, ask="scene"
    ),
    Move(
        en="Enter from a Channels page",
        zh="从视频号主页进入",
        wish={"action": "enter", "channels": {"scene": 1}},
    ),
    Move(
        en="Enter from a live sale",
        zh="从视频号直播间进入",
        wish={"action": "enter", "channels": {"scene": 2}},
    ),
    Move(
        en="Enter from an article of the Channels shop",
        zh="从视频号小店商品页进入",
        wish={"action": "enter", "channels": {"scene": 4}},
    ),
    Move(en="Location", zh="位置", wish={"type": "location"}),
    Move(en="Link", zh="链接", wish={"type": "link"}),
    Move(en="Mini-program card", zh="小程序卡片", wish={"type": "miniprogram"}),
    Move(en="Channels video", zh="视频号动态", wish={"type": "channels"}),
    Move(en="Channels product", zh="视频号商品", wish={"type": "channels_shop_product"}),
    Move(en="Channels order", zh="视频号订单", wish={"type": "channels_shop_order"}),
    Move(en="Forwarded chat", zh="聊天记录", wish={"type": "merged_msg"}),
    Move(en="Business card", zh="名片", wish={"type": "business_card"}),
    Move(en="Note", zh="笔记", wish={"type": "note"}),
    Move(en="Refuse messages", zh="拒收消息", wish={"action": "block"}),
    Move(en="Accept messages again", zh="取消拒收", wish={"action": "unblock"}),
    Move(
        en="A colleague answers in WeCom",
        zh="接待人员在企业微信回复",
        wish={"action": "servicer"},
        ask="text",
    ),
    Move(en="A colleague takes the chat", zh="接待人员接入会话", wish={"action": "take"}),
    Move(en="A colleague ends the chat", zh="接待人员结束会话", wish={"action": "end"}),
    Move(en="A colleague recalls the last answer", zh="接待人员撤回消息", wish={"action": "servicer_recall"}),
)


class CorpFiles(Files):
    """WeCom answers uploads with a result code, and with the time as text."""

    def told(self, kind: str, name: str, made: Media) -> Json:
        """The answer of an upload."""
        answer = super().told(kind, name, made)
        return {"errcode": 0, "errmsg": "ok", **answer, "created_at": str(answer["created_at"])}


class CustomerDesks(StandIn):
    """Corps with customer-service accounts; the account here is the corp, its desks are in the settings."""

    name: ClassVar[str] = "wecom"
    look: ClassVar[Look] = Look(
        en="WeCom Customer Service",
        zh="企业微信客服",
        color="#2a7de1",
        mark="企",
        shown=("corp_id", "app_secret", "token", "encoding_aes_key"),
        codes=(95001, 95002, 95018, 95013, 42001, 40014, 45009, 60020, 48002, -1),
        moves=MOVES,
        menu=("revoke",),
        window_hours=48.0,
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._access = Access(world, self.name, bad=40014)
        self._files = CorpFiles(world, LIMITS)
        self._log = Log(world, Pushes(world))
        self._sessions = Sessions(world)

    def routes(self, router: Router) -> None:
        """Register the paths of qyapi.weixin.qq.com."""
        door = self._access.door
        router.add("POST", "/cgi-bin/media/upload", door(self._files.upload))
        router.add("GET", "/cgi-bin/media/get", door(self._files.download))
        router.add("POST", "/cgi-bin/kf/sync_msg", door(self._log.sync))
        router.add("POST", "/cgi-bin/kf/service_state/get", door(self._sessions.get))
        router.add("POST", "/cgi-bin/kf/service_state/trans", door(self._sessions.turn))
        Sending(self.world, self._access, self._files, self._log, self._sessions).routes(router)
        Console(self.world, self.name).routes(router)

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A corp with one desk; `kf_accounts` may name more."""
        made = str(given.get("id") or "ww" + secrets.token_hex(8))
        settings = {
            "corp_id": made,
            "app_secret": secrets.token_urlsafe(32),
            "token": secrets.token_hex(12),
            "encoding_aes_key": crypto.new_key(),
            "mode": "safe",
            "open_platform": "sandbox",
            "kf_accounts": [{"open_kfid": "wk" + secrets.token_hex(15), "name": "在线客服", "avatar": ""}],
            "servicers": ["zhangsan", "lisi"],
            "page_limit": 100,
            "untokened_burst": 30,
        }
        return made, "Sandbox 企业", settings

    # -- the customer's side -----------------------------------------------------------------------------------------

    def chat(self, account: PlatformAccount, customer: Customer, wish: Json) -> Chat:
        """The chat with a desk: `open_kfid`, or the first."""
        wanted = str(wish.get("open_kfid") or desks(account)[0])
        if wanted not in desks(account):
            raise Refused(404, "open_kfid: the corp has no such desk")
        return chat_of(self.world, account, customer, wanted)

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """A message of any kind, a line of a menu pressed, a message taken back."""
        del origin
        kind, desk = str(wish.get("type") or "text"), chat.business or desks(account)[0]
        person = self._came(account, customer)
        if kind == "revoke":
            return self._recall(account, chat, desk, person, wish)
        now = self.world.clock.now()
        bubble = Bubble(
            id=str(wish.get("id") or secrets.token_urlsafe(33)), side="customer", kind=kind, at=now
        )
        content = self._press(chat, wish, bubble) if kind == "press" else self._content(account, wish, bubble)
        message: Json = {
            "msgid": bubble.id,
            "open_kfid": desk,
            "external_userid": person,
            "send_time": int(now),
            "origin": 3,
            **content,
            **wishes.fields(wish, "raw"),
        }
        bubble.raw = message
        self.world.show(chat, bubble)
        self._sessions.wrote(account, desk, person)
        window.grant(account, f"{desk}:{person}", "message", TO_WRITE, now)
        self._log.add(account, chat, desk, message)
        return [bubble]

    def _came(self, account: PlatformAccount, customer: Customer, context: Json | None = None) -> str:
        """Note that the person is here; their last way in stays known."""
        person = people.openid(self.world, account, customer)
        came = account.kept.setdefault("came", {})
        kept = came.get(person, {}).get("context", {})
        came[person] = {"at": self.world.clock.now(), "context": context if context is not None else kept}
        return person

    def _press(self, chat: Chat, wish: Json, bubble: Bubble) -> Json:
        source = chat.find(str(wish.get("reply_to") or ""))
        button = (
            next((b for b in source.buttons if b.id == str(wish.get("button"))), None) if source else None
        )
        if button is None or button.kind == "url":
            raise Refused(404, "that message has no such line")
        bubble.kind, bubble.text = "text", button.title
        return {"msgtype": "text", "text": {"content": button.title, "menu_id": button.id}}

    def _content(self, account: PlatformAccount, wish: Json, bubble: Bubble) -> Json:
        kind = bubble.kind
        if kind == "text":
            bubble.text = str(wish.get("text") or "")
            return {"msgtype": "text", "text": {"content": bubble.text}}
        if kind in FILES:
            source = self.world.state.media.get(str(wish.get("file") or ""))
            if source is None:
                raise Refused(400, "file: give the key that POST /sandbox/media answered")
            made = self._files.keep(account, FILES[kind], source.name, source.content_type, source.content)
            bubble.kind, bubble.attachments = FILES[kind], [attachment(made, FILES[kind])]
            return {"msgtype": FILES[kind], FILES[kind]: {"media_id": made.key}}
        if kind not in CARDS:
            raise Refused(422, f"type: customers send no {kind} here")
        content = {**CARDS[kind], **wishes.fields(wish, kind)}
        if kind == "location":
            bubble.location = dict(content)
        else:
            bubble.title, bubble.text = str(content.get("title") or kind), str(content.get("url") or "")
        return {"msgtype": kind, kind: content}

    def _recall(
        self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json
    ) -> list[Bubble]:
        bubble = chat.find(str(wish.get("target") or ""))
        if bubble is None or bubble.side != "customer":
            raise Refused(404, "target: the customer has said no such thing here")
        bubble.revoked = True
        self.world.changed(chat, bubble)
        self._tell(account, chat, desk, "user_recall_msg", external_userid=person, recall_msgid=bubble.id)
        return []

    def _tell(self, account: PlatformAccount, chat: Chat, desk: str, kind: str, **content: object) -> None:
        self._log.add(account, chat, desk, event(self.world, desk, kind, **content))

    # -- other acts --------------------------------------------------------------------------------------------------

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Enter, refuse messages; and what a colleague does in WeCom's own app."""
        desk = chat.business or desks(account)[0]
        person = self._came(account, customer)
        acts: dict[str, Callable[[PlatformAccount, Chat, str, str, Json], None]] = {
            "enter": self._enter,
            "servicer": self._servicer,
            "servicer_recall": self._servicer_recall,
            "take": self._take,
            "end": self._end,
        }
        if action in {"block", "unblock"}:
            chat.blocked = action == "block"
        elif action in acts:
            acts[action](account, chat, desk, person, wish)
        elif action != "typing":  # WeCom does not tell it
            super().act(account, customer, chat, action, wish)

    def _enter(self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json) -> None:
        context: Json = {
            "scene": str(wish.get("scene") or ""),
            "scene_param": str(wish.get("scene_param") or ""),
        }
        if isinstance(wish.get("channels"), dict):
            scene = int(wish["channels"].get("scene") or 1)
            name = "nickname" if scene <= 3 else "shop_nickname"
            context["wechat_channels"] = {name: "Sandbox 视频号", "scene": scene, **wish["channels"]}
        account.kept["came"][person]["context"] = context
        code = self._sessions.welcome(account, desk, person)
        welcome = {"welcome_code": code} if code else {}
        self._tell(account, chat, desk, "enter_session", external_userid=person, **context, **welcome)

    def _servicer(self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json) -> None:
        """What a colleague writes in WeCom comes back with origin 5; they take the chat by it."""
        if self._sessions.at(account, desk, person)["state"] != kf_sessions.HUMAN:
            self._take(account, chat, desk, person, wish)
        who = self._sessions.at(account, desk, person)["servicer"]
        now, text = self.world.clock.now(), str(wish.get("text") or "您好")
        message = {
            "msgid": secrets.token_urlsafe(33),
            "open_kfid": desk,
            "external_userid": person,
            "send_time": int(now),
            "origin": 5,
            "servicer_userid": who,
            "msgtype": "text",
            "text": {"content": text},
        }
        shown = Bubble(
            id=message["msgid"], side="business", kind="text", at=now, text=text, status="sent", raw=message
        )
        self.world.show(chat, shown)
        self._log.add(account, chat, desk, message)

    def _servicer_recall(
        self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json
    ) -> None:
        del wish
        last = next((b for b in reversed(chat.bubbles) if b.raw.get("origin") == 5 and not b.revoked), None)
        if last is None:
            raise Refused(404, "no colleague has answered here")
        last.revoked = True
        self.world.changed(chat, last)
        about = {"external_userid": person, "recall_msgid": last.id}
        who = last.raw["servicer_userid"]
        self._tell(account, chat, desk, "servicer_recall_msg", **about, servicer_userid=who)

    def _take(self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json) -> None:
        session = self._sessions.at(account, desk, person)
        if not session["begun"] or session["wrote"] <= self.world.clock.now() - kf_sessions.DAYS_2:
            raise Refused(422, "the customer has not written within 48 hours")
        who = str(wish.get("servicer") or account.settings["servicers"][0])
        session.update(state=kf_sessions.HUMAN, servicer=who)
        code = self._sessions.code(account, desk, person, kf_sessions.DAYS_2, kf_sessions.HUMAN, ("text",))
        self._changed(account, chat, desk, person, change_type=1, new_servicer_userid=who, msg_code=code)

    def _end(self, account: PlatformAccount, chat: Chat, desk: str, person: str, wish: Json) -> None:
        del wish
        session = self._sessions.at(account, desk, person)
        who = str(session["servicer"] or account.settings["servicers"][0])
        session.update(state=kf_sessions.ENDED, servicer="")
        code = self._sessions.code(
            account, desk, person, kf_sessions.BRIEF, kf_sessions.ENDED, ("text", "msgmenu")
        )
        self._changed(account, chat, desk, person, change_type=3, old_servicer_userid=who, msg_code=code)

    def _changed(
        self, account: PlatformAccount, chat: Chat, desk: str, person: str, **content: object
    ) -> None:
        self._tell(account, chat, desk, "session_status_change", external_userid=person, **content)
