"""What the product's answer to a callback does: a passive reply is a message, nothing at all is a notice."""

import secrets

from switchboard.sandbox.state import Attachment, Bubble, Button, Chat, PlatformAccount, attachment
from switchboard.sandbox.weixin import crypto, markup, push
from switchboard.sandbox.weixin.errors import WeixinError
from switchboard.sandbox.weixin.files import Files
from switchboard.sandbox.world import World

TRANSFER = "transfer_customer_service"
KINDS = {"text", "image", "voice", "video", "music", "news", TRANSFER}


class Replies:
    """Listens to the answers of callbacks that carried a customer's message."""

    def __init__(self, world: World, files: Files, whose: str = "公众号") -> None:
        self._world = world
        self._files = files
        self._only_transfers = whose != "公众号"
        self._out_of_order = f"该{whose}提供的服务出现故障，请稍后再试"
        self._unavailable = f"该{whose}暂时无法提供服务，请稍后再试"

    def hear(self, account: PlatformAccount, chat: Chat, openid: str, asked: Bubble, answer: str) -> None:
        """`success` or nothing is fine; XML is shown; anything else the customer sees as a failure."""
        if answer in {"", "success"}:
            return
        try:
            reply = push.plain_answer(account, answer)
            kind = str(reply.get("MsgType"))
            known = {TRANSFER} if self._only_transfers else KINDS
            if kind not in known or reply.get("ToUserName") != openid:
                raise markup.Malformed("no such reply")
            self._show(account, chat, openid, kind, reply)
        except (markup.Malformed, crypto.Unreadable, WeixinError, AttributeError, KeyError):
            asked.error = self._out_of_order
            self._world.changed(chat, asked)

    def none_came(self, chat: Chat, asked: Bubble) -> None:
        """Three deliveries went unanswered."""
        asked.error = self._unavailable
        self._world.changed(chat, asked)

    def _show(
        self, account: PlatformAccount, chat: Chat, openid: str, kind: str, reply: dict[str, object]
    ) -> None:
        if kind == TRANSFER:
            return
        shown = Bubble(
            id="p" + secrets.token_hex(8),
            side="business",
            kind=kind,
            at=self._world.clock.now(),
            status="sent",
            raw=dict(reply),
        )
        if kind == "text":
            if not isinstance(reply["Content"], str):
                raise markup.Malformed("Content")
            shown.text = reply["Content"]
        elif kind == "news":
            one = markup_list(reply["Articles"])[0]
            shown.title, shown.text = one.get("Title", ""), one.get("Description", "")
            shown.buttons = [Button(id="0", title="↗", kind="url", url=one.get("Url", ""))]
        else:
            about = reply[kind.capitalize()]
            if not isinstance(about, dict):
                raise markup.Malformed(kind)
            shown.title, shown.text = str(about.get("Title") or ""), str(about.get("Description") or "")
            shown.attachments = self._attached(account, kind, about)
        self._world.show(chat, shown)
        self._world.note(
            message_id=shown.id,
            platform=account.platform,
            account=account.id,
            to=openid,
            kind=kind,
            text=shown.text,
            body=dict(reply),
            fault=None,
        )

    def _attached(self, account: PlatformAccount, kind: str, about: dict[str, str]) -> list[Attachment]:
        if kind == "music":
            media = self._files.find(account, about.get("ThumbMediaId"), ("thumb", "image"))
            return [attachment(media, "image")]
        return [attachment(self._files.find(account, about.get("MediaId"), (kind,)), kind)]


def markup_list(value: object) -> list[dict[str, str]]:
    """The articles of a reply, at least one."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        raise markup.Malformed("Articles")
    return value
