"""Webhooks of Instagram as facts: direct messages, and comments as rooms of their own (slot `post:<media id>`).

Pictures and films of stories must not be kept: they are only ever a link, which the platform lets expire.
"""

from collections.abc import Iterator
from datetime import datetime

from switchboard.channels.api import (
    Claim,
    EchoReceived,
    Inbound,
    Link,
    MessageReceived,
    Notice,
    Part,
    Sender,
    Text,
    Unsupported,
)
from switchboard.channels.families import meta, meta_inbox
from switchboard.channels.families.meta import BadItem, news
from switchboard.channels.families.meta_inbox import Dialect
from switchboard.channels.reading import Json, moment, text

COMMENTS = {"comments", "live_comments"}
MENTION = "mention:"
VANISHING = "a picture or film that vanishes once it was seen; the platform does not hand it over"


def _only_here(kind: str, payload: Json) -> list[Part]:
    """Read stories, which may be linked to but never kept, and what vanishes."""
    url = text(payload, "url")
    match kind:
        case "story":
            return [Link(url, "Story")] if url else [Unsupported("story", "the story is over")]
        case "story_mention":
            return [Link(url, "Story mention")] if url else [Unsupported(kind, "the story is over")]
        case "share":
            return [Link(url, text(payload, "title") or "Shared post")] if url else []
        case "ephemeral":
            return [Unsupported(kind, VANISHING)]
        case "unsupported_type":
            return [Unsupported(kind, "Instagram does not hand this kind of content over")]
        case _:
            return []


DIALECT = Dialect(name="instagram", attachment=_only_here)


def facts(body: bytes) -> list[Inbound]:
    """Return the facts of one webhook body."""
    return meta.facts(body, "instagram", READERS)


def _item(account: str, at: datetime | None, item: Json) -> Iterator[Inbound]:
    yield from meta_inbox.read(DIALECT, account, at, item)


def _change(account: str, at: datetime | None, change: Json) -> Iterator[Inbound]:
    field, value = text(change, "field"), change.get("value")
    if not isinstance(value, dict):
        raise BadItem("a change without a value")
    if field in COMMENTS:
        yield _comment(account, moment(value, "timestamp") or at, value)
    elif field == "mentions":
        yield _mention(account, at, value)
    elif isinstance(value.get("sender"), dict):
        # The console's test button wraps a message into a change.
        yield from _item(account, at, value)
    else:
        yield news(account, at, field or "change", value)


def _comment(account: str, at: datetime | None, value: Json) -> Inbound:
    ident = text(value, "id") or text(value, "comment_id")
    if not ident:
        raise BadItem("the comment has no id")
    author = text(value, "from", "id")
    parent, words = text(value, "parent_id"), text(value, "text")
    # Old webhooks don't say what was commented on: the thread stands for it.
    media = text(value, "media", "id") or parent or ident
    parts: list[Part] = (
        [Text(words)] if words else [Unsupported("comment", "Instagram does not say what is in it")]
    )
    if author and author == account:
        return EchoReceived(
            account=account,
            dedupe_key=f"echo:{ident}",
            occurred_at=at,
            external_id=ident,
            customer=_person(account, author, ident, value),
            address=media,
            parts=parts,
            slot=f"post:{media}",
            reply_to=parent,
        )
    ad = {name: text(value, "media", name) for name in ("ad_id", "ad_title") if text(value, "media", name)}
    return MessageReceived(
        account=account,
        dedupe_key=f"message:{ident}",
        occurred_at=at,
        external_id=ident,
        sender=_person(account, author, ident, value),
        address=media,
        parts=parts,
        slot=f"post:{media}",
        reply_to=parent,
        referral={"source": "AD_COMMENT", **ad} if ad else {},
        opens="",
    )


def _person(account: str, author: str, ident: str, value: Json) -> Sender:
    """Return who commented, by the same scoped id that direct messages have; unknown without one."""
    space, username = DIALECT.space(account), text(value, "from", "username")
    claim = Claim(space, author) if author else Claim(f"{space}:unnamed", ident, verified=False)
    return Sender(claims=[claim], name=username, username=username)


def _mention(account: str, at: datetime | None, value: Json) -> Inbound:
    """Somebody named the account elsewhere. What was said has to be looked up (`fetch_post`)."""
    media, comment = text(value, "media_id"), text(value, "comment_id")
    if not media and not comment:
        raise BadItem("the mention names neither a post nor a comment")
    ident = MENTION + ":".join(filter(None, [media or "0", comment]))
    return MessageReceived(
        account=account,
        dedupe_key=f"message:{ident}",
        occurred_at=at,
        external_id=ident,
        sender=Sender(claims=[Claim(f"{DIALECT.space(account)}:unnamed", ident, verified=False)]),
        address=ident,
        parts=[
            Notice("instagram.mention", "Mentioned the account", {"media_id": media, "comment_id": comment})
        ],
        slot=f"post:{ident}",
        opens="",
    )


READERS = meta.Readers(_item, _change, {"user": "user", "permissions": "permissions"})


def is_comment(external_id: str) -> bool:
    """Tell comments (bare numbers) and mentions from messages, which can be marked as read."""
    return external_id.isdigit() or external_id.startswith(MENTION)


def mentioned(post: str) -> tuple[str, str] | None:
    """Return (media id, comment id or nothing) of a mention's room, None for posts of our own."""
    if not post.startswith(MENTION):
        return None
    media, _, comment = post.removeprefix(MENTION).partition(":")
    return media, comment
