"""What the product wants to say, read and shown: Douyin's kinds of content by number."""

from typing import Any

import msgspec

from switchboard.sandbox.douyin.errors import DouyinError
from switchboard.sandbox.douyin.events import rooms
from switchboard.sandbox.state import Attachment, PlatformAccount, attachment
from switchboard.sandbox.world import World

Json = dict[str, Any]
LONGEST = 1000
KINDS: dict[int, tuple[str, str]] = {
    1: ("text", "text"),
    2: ("image", "media_id"),
    3: ("video", "item_id"),
    8: ("retain_consult_card", "card_id"),
    9: ("group_invitation", "group_id"),
    10: ("applet_card", "card_template_id"),
    11: ("applet_coupon", "activity_id"),
    12: ("auth_private_message_card", "app_info"),
}
"""By msg_type: the member that holds the content, and what must stand in it."""


class Draft(msgspec.Struct, kw_only=True):
    """One message as the phone will show it."""

    kind: str
    text: str = ""
    attachments: list[Attachment] = []
    raw: Json = {}


def read(world: World, account: PlatformAccount, body: Json) -> list[Draft]:
    """Return what `content` (or each of `content_list`) holds; DouyinError 28001007 when it is not sound."""
    contents = body.get("content_list") or [body.get("content")]
    if not isinstance(contents, list) or not contents:
        raise DouyinError(28001007, "content")
    return [_one(world, account, content) for content in contents]


def _one(world: World, account: PlatformAccount, content: Any) -> Draft:
    number = content.get("msg_type") if isinstance(content, dict) else None
    if not isinstance(number, int) or number not in KINDS:
        raise DouyinError(28001007, f"msg_type: {number}")
    name, needed = KINDS[number]
    held = content.get(name)
    if not isinstance(held, dict) or not held.get(needed):
        raise DouyinError(28001007, f"{name}.{needed}")
    if name == "text":
        if not isinstance(held["text"], str) or len(held["text"]) > LONGEST:
            raise DouyinError(28001007, "text")
        return Draft(kind="text", text=held["text"], raw=content)
    if name == "image":
        media = world.state.media.get(str(held["media_id"]))
        if media is None:
            raise DouyinError(28001007, "image.media_id")
        return Draft(kind="image", attachments=[attachment(media, "image")], raw=content)
    if name == "video" and str(held["item_id"]) not in rooms(account, "items"):
        raise DouyinError(28001007, "video.item_id")
    shown = " ".join(f"{k}={v}" for k, v in held.items() if isinstance(v, str | int))
    return Draft(kind="card", text=f"[{name}] {shown}", raw=content)
