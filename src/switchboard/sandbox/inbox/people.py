"""What people do on Messenger and Instagram, as the webhooks that the product receives."""

import secrets
from typing import Any
from urllib.parse import quote

from switchboard.sandbox.inbox import hooks, walls
from switchboard.sandbox.inbox.objects import menu_of
from switchboard.sandbox.standin import StandIn
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Refused

Json = dict[str, Any]
LINK_SECONDS = 7 * 86_400
AD_SECONDS = 7 * 86_400
FILES = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "file",
    "file": "file",
}
WALL = {"comment", "live_comment", "visitor_post", "mention", "mention_caption"}
ABOUT = {"edit", "revoke", "reaction"}


class Inbox(StandIn):
    """What both platforms' customers can do; `special` is what only one of them has."""

    def chat(self, account: PlatformAccount, customer: Customer, wish: Json) -> Chat:
        """The private chat, or the comments of a post by its id."""
        post, kind = str(wish.get("room") or ""), str(wish.get("type") or "")
        if not post and kind in {"comment", "live_comment"}:
            post = walls.first(account)
        if post:
            if post not in walls.posts(account):
                raise Refused(404, "room: the account has no such post")
            return walls.room(self.world, account, post)
        chat = self.world.store.chat(self.name, account.id, customer.id)
        chat.keyboard = menu_of(account.kept.get("profile", {}))
        return chat

    def read(self, account: PlatformAccount, chat: Chat) -> None:
        """The person looks at the chat; nobody is told of looks at a wall."""
        if chat.title:
            super().read(account, chat)
        else:
            hooks.read(self.world, account, chat)

    def message(
        self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json, origin: str
    ) -> list[Bubble]:
        """Something said, pressed, changed, taken back, in private or on the wall."""
        kind = str(wish.get("type") or "text")
        if kind in ABOUT:
            self._about(account, customer, chat, kind, wish)
            return []
        if kind in WALL or chat.title:
            return [self._on_wall(account, customer, chat, kind, wish, origin)]
        if kind == "press":
            return self._press(account, customer, chat, wish)
        if kind == "get_started":
            return self._start(account, customer, chat, wish)
        return [self._say(account, customer, chat, kind, wish, origin)]

    # -- in private --------------------------------------------------------------------------------------------------

    def _say(
        self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, wish: Json, origin: str
    ) -> Bubble:
        bubble = Bubble(
            id=str(wish.get("id") or hooks.message_id(account)),
            side="customer",
            kind=kind,
            at=self.world.clock.now(),
            text=str(wish.get("text") or ""),
            reply_to=str(wish.get("reply_to") or ""),
        )
        message: Json = {"mid": bubble.id, **self._content(account, chat, bubble, wish, origin)}
        if chat.find(bubble.reply_to):
            message["reply_to"] = {"mid": bubble.reply_to}
        message.update(wish.get("raw") or {})
        bubble.raw = {"message": message}
        self.world.show(chat, bubble)
        hooks.in_chat(self.world, account, customer, chat, "message", message)
        return bubble

    def _content(self, account: PlatformAccount, chat: Chat, bubble: Bubble, wish: Json, origin: str) -> Json:
        kind = bubble.kind
        if kind in FILES:
            return self._file(account, bubble, wish, origin)
        if kind == "text":
            return {"text": bubble.text}
        if kind == "ad":
            bubble.kind, bubble.text = "text", bubble.text or "Is this still available?"
            account.kept.setdefault("ad_windows", {})[chat.key] = self.world.clock.now() + AD_SECONDS
            return {"text": bubble.text, "referral": ad_referral()}
        if kind in {"share", "reel"}:
            bubble.text = url = str(wish.get("url") or f"https://www.instagram.example/{kind}/1/")
            return self.shared(kind, url)
        if kind == "product":
            bubble.kind, bubble.text = "text", bubble.text or "Do you have it in red?"
            return {"text": bubble.text, "referral": {"product": {"id": str(wish.get("product") or "A1024")}}}
        if kind == "unsupported":
            return {"is_unsupported": True}
        return self.special(account, bubble, wish, origin)

    def shared(self, kind: str, url: str) -> Json:
        """A post or reel that the person passes on."""
        raise NotImplementedError

    def special(self, account: PlatformAccount, bubble: Bubble, wish: Json, origin: str) -> Json:
        """What only this platform's customers can send."""
        del account, wish, origin
        raise Refused(422, f"type: {self.name} has no {bubble.kind}")

    def _file(self, account: PlatformAccount, bubble: Bubble, wish: Json, origin: str) -> Json:
        source = self.world.state.media.get(str(wish.get("file") or ""))
        if source is None:
            raise Refused(400, "file: give the key that POST /sandbox/media answered")
        media = self.world.store.keep(
            account=account.id,
            name=source.name,
            content_type=source.content_type,
            content=source.content,
            now=self.world.clock.now(),
        )
        bubble.attachments = [attachment(media, bubble.kind)]
        file = {"type": FILES[bubble.kind], "payload": {"url": self.address(media.key, media.name, origin)}}
        return {"attachments": [file], **({"text": bubble.text} if bubble.text else {})}

    def address(self, key: str, name: str, origin: str) -> str:
        """A link that lives for a week and wants no token."""
        until = int(self.world.clock.now()) + LINK_SECONDS
        return f"{origin}/meta-cdn/{key}/{quote(name)}?oh={secrets.token_hex(8)}&oe={until:x}"

    def _press(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> list[Bubble]:
        number, source = str(wish.get("button") or ""), chat.find(str(wish.get("reply_to") or ""))
        if number.startswith("menu:"):
            rows = account.kept.get("profile", {}).get("persistent_menu") or []
            actions = [action for one in rows for action in one.get("call_to_actions") or []]
            number = number.removeprefix("menu:")
        else:
            actions = source.raw.get("actions", []) if source else []
        if not number.isdigit() or int(number) >= len(actions):
            raise Refused(404, "that message has no such button")
        action = actions[int(number)]
        title = str(action.get("title") or customer.phone)
        if action["type"] == "quick":
            payload = action.get("payload") or title
            quick = {"type": "text", "text": title, "raw": {"quick_reply": {"payload": payload}}}
            return [self._say(account, customer, chat, "text", quick, "")]
        if action["type"] == "account_link":
            linking = {"status": "linked", "authorization_code": secrets.token_hex(8)}
            hooks.in_chat(self.world, account, customer, chat, "account_linking", linking)
        if action["type"] != "postback":
            return []
        return [self._postback(account, customer, chat, title, str(action["payload"]))]

    def _start(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> list[Bubble]:
        """Get Started on Messenger, a first question on Instagram."""
        profile = account.kept.get("profile", {})
        title, payload = "Get Started", str(profile.get("get_started", {}).get("payload") or "GET_STARTED")
        questions = [
            q for one in profile.get("ice_breakers") or [] for q in one.get("call_to_actions") or [one]
        ]
        if self.name == "instagram":
            first = questions[0] if questions else {"question": "What are your hours?", "payload": "HOURS"}
            title, payload = str(first["question"]), str(first["payload"])
        return [self._postback(account, customer, chat, title, str(wish.get("payload") or payload))]

    def _postback(
        self, account: PlatformAccount, customer: Customer, chat: Chat, title: str, payload: str
    ) -> Bubble:
        bubble = Bubble(
            id=hooks.message_id(account), side="customer", kind="text", at=self.world.clock.now(), text=title
        )
        self.world.show(chat, bubble)
        content = {"mid": bubble.id, "title": title, "payload": payload}
        hooks.in_chat(self.world, account, customer, chat, "postback", content)
        return bubble

    # -- about what was said -----------------------------------------------------------------------------------------

    def _about(self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, wish: Json) -> None:
        target = chat.find(str(wish.get("target") or ""))
        if target is None:
            raise Refused(404, "target: there is no such message in this chat")
        if kind != "reaction" and (
            target.side != "customer" or (chat.title and target.author != customer.id)
        ):
            raise Refused(400, "people can only change what they wrote themselves")
        emoji = str(wish.get("emoji") or "")
        if kind == "reaction":
            gone = emoji or target.reactions.get("customer", "")
            target.reactions.pop("customer", None)
            target.reactions.update({"customer": emoji} if emoji else {})
            emoji, removed = gone, not emoji
        else:
            removed = False
            target.revoked = kind == "revoke"
            if kind == "edit":
                target.text, target.edited = str(wish.get("text") or ""), True
        self.world.changed(chat, target)
        if chat.title:
            self._about_comment(account, customer, chat, kind, target, emoji, removed=removed)
        else:
            self._about_message(account, customer, chat, kind, target, emoji, removed=removed)

    def _about_message(
        self,
        account: PlatformAccount,
        customer: Customer,
        chat: Chat,
        kind: str,
        target: Bubble,
        emoji: str,
        *,
        removed: bool,
    ) -> None:
        tell = (self.world, account, customer, chat)
        if kind == "revoke":
            hooks.in_chat(*tell, "message", {"mid": target.id, "is_deleted": True})
        elif kind == "edit":
            target.raw["edits"] = int(target.raw.get("edits") or 0) + 1
            edit = {"mid": target.id, "text": target.text, "num_edit": target.raw["edits"]}
            hooks.in_chat(*tell, "message_edit", edit)
        else:
            content: Json = {"mid": target.id, "action": "unreact" if removed else "react"}
            if not removed:
                content.update(reaction=walls.NAMES.get(emoji, "other"), emoji=emoji)
            chat.last_inbound_at = self.world.clock.now()
            hooks.in_chat(*tell, "reaction", content)

    def _about_comment(
        self,
        account: PlatformAccount,
        customer: Customer,
        chat: Chat,
        kind: str,
        target: Bubble,
        emoji: str,
        *,
        removed: bool,
    ) -> None:
        if kind == "reaction":
            walls.react(self.world, account, chat.peer, target, customer, emoji, gone=removed)
        else:
            walls.told(self.world, account, chat.peer, target, "remove" if kind == "revoke" else "edited")

    # -- on the wall -------------------------------------------------------------------------------------------------

    def _on_wall(
        self, account: PlatformAccount, customer: Customer, chat: Chat, kind: str, wish: Json, origin: str
    ) -> Bubble:
        text = str(wish.get("text") or "")
        if kind == "visitor_post":
            return walls.visitor_post(self.world, account, customer, text)
        if kind in {"mention", "mention_caption"}:
            return walls.mention(self.world, account, customer, text, caption=kind == "mention_caption")
        answered = chat.find(str(wish.get("reply_to") or ""))
        parent = (
            str(answered.raw.get("parent") or answered.id) if answered and answered.id != chat.peer else ""
        )
        more: Json = {"ad": True} if wish.get("ad") else {}
        if kind == "live_comment":
            more["field"] = "live_comments"
        if self.name == "messenger" and wish.get("file"):
            shown = Bubble(id="", side="customer", kind="image", at=0)
            sent = self._file(account, shown, wish, origin)
            more.update(photo=sent["attachments"][0]["payload"]["url"], files=shown.attachments)
        if not text and "photo" not in more:
            raise Refused(422, "text: a comment needs words")
        return walls.add(self.world, account, chat.peer, customer, text, parent, **more)

    # -- other acts --------------------------------------------------------------------------------------------------

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Block, come by a link or an advertisement, opt in, and what other apps of the company do."""
        tell = (self.world, account, customer, chat)
        elsewhere: dict[str, str] = account.kept.setdefault("elsewhere", {})
        if action in {"block", "unblock"}:
            chat.blocked = action == "block"
        elif action == "referral":
            ref = {"ref": str(wish.get("ref") or "summer"), "source": "SHORTLINK", "type": "OPEN_THREAD"}
            hooks.in_chat(*tell, "referral", ref)
        elif action == "ad_click":
            account.kept.setdefault("ad_windows", {})[chat.key] = self.world.clock.now() + AD_SECONDS
            hooks.in_chat(*tell, "referral", ad_referral())
        elif action in {"hide", "unhide"} and chat.title and self.name == "messenger":
            self._moderate(account, chat, action, str(wish.get("target") or ""))
        elif action == "elsewhere":
            self._elsewhere(account, customer, chat, str(wish.get("text") or "Hello from the other inbox"))
        elif action == "take":
            elsewhere[chat.key] = hooks.OTHER_APP_ID
            content = {
                "previous_owner_app_id": account.settings["app_id"],
                "new_owner_app_id": hooks.OTHER_APP_ID,
            }
            hooks.in_chat(*tell, "take_thread_control", content)
        elif action == "pass":
            elsewhere.pop(chat.key, None)
            content = {
                "previous_owner_app_id": hooks.OTHER_APP_ID,
                "new_owner_app_id": account.settings["app_id"],
            }
            hooks.in_chat(*tell, "pass_thread_control", content)
        elif action != "typing":  # neither platform tells it
            super().act(account, customer, chat, action, wish)

    def _moderate(self, account: PlatformAccount, chat: Chat, action: str, target: str) -> None:
        """Somebody of the company hides a comment on the page, or shows it again."""
        comment = chat.find(target)
        if comment is None:
            raise Refused(404, "target: there is no such comment below this post")
        walls.told(self.world, account, chat.peer, comment, action)

    def _elsewhere(self, account: PlatformAccount, customer: Customer, chat: Chat, text: str) -> None:
        """Somebody of the company answers in Meta's own inbox."""
        bubble = Bubble(
            id=hooks.message_id(account),
            side="business",
            kind="text",
            at=self.world.clock.now(),
            text=text,
            status="sent",
            raw={"message": {"text": text}},
        )
        self.world.show(chat, bubble)
        hooks.echo(self.world, account, customer, chat, bubble, hooks.OTHER_APP_ID)


def ad_referral() -> Json:
    """What comes along from a click on an advertisement."""
    return {
        "ref": "spring",
        "ad_id": digits(12),
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": {"ad_title": "Lamps", "photo_url": "https://cdn.example/lamp.jpg"},
    }
