"""Webhooks of a Facebook page as facts: conversations in Messenger, and what happens on the page's wall.

A post is a room of its own (slot `post:<post id>`). Its writers have page-scoped ids, the same as in Messenger.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from switchboard.channels.api import (
    Claim,
    EchoReceived,
    Image,
    Inbound,
    Link,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Part,
    Reacted,
    Sender,
    Source,
    Text,
    Unsupported,
)
from switchboard.channels.families import meta, meta_inbox
from switchboard.channels.families.meta import DEEPEST, news
from switchboard.channels.families.meta_inbox import EMOJI, Dialect
from switchboard.channels.reading import Json, digest, moment, plain, rows, text

WRITTEN = {"comment", "post", "status", "photo", "video", "share", "album"}
REACTIONS = {"reaction", "like"}
CHANGED = {"edited", "edit"}
VISIBILITY = {
    "hide": Notice("messenger.comment_hidden", "Hidden on the page"),
    "unhide": Notice("messenger.comment_unhidden", "Shown on the page again"),
}
TEMPLATES = "message_template_status_update"
# Of templates: they can't be sent, or soon no more.
UNUSABLE = {"REJECTED", "PAUSED", "DISABLED", "FLAGGED", "PENDING_DELETION", "DELETED", "LIMIT_EXCEEDED"}


def _only_here(kind: str, payload: Json) -> list[Part]:
    """Read a reply to a story of the page's, the one attachment that Instagram must treat otherwise."""
    url = text(payload, "url")
    return [Link(url, "Story")] if kind == "story" and url else []


DIALECT = Dialect(name="messenger", attachment=_only_here, ads_open=True)


def facts(body: bytes) -> list[Inbound]:
    """Return the facts of one webhook body."""
    return meta.facts(body, "page", READERS)


def _item(account: str, at: datetime | None, item: Json) -> Iterator[Inbound]:
    yield from meta_inbox.read(DIALECT, account, at, item)


def _change(account: str, at: datetime | None, change: Json) -> Iterator[Inbound]:
    field, value = text(change, "field"), change.get("value")
    if not isinstance(value, dict):
        # "parking" and its like only say that the page's own settings were edited.
        yield news(account, at, field or "change", change)
        return
    if isinstance(value.get("sender"), dict) and field != "feed":
        # The console's test button wraps a message into a change.
        yield from _item(account, at, value)
        return
    if field == TEMPLATES:
        yield _reviewed(account, at, value)
        return
    wall = _Wall(account, at, field, value)
    if field in {"feed", "mention", "ratings"}:
        yield from wall.read()
    else:
        yield wall.news()


def _reviewed(account: str, at: datetime | None, value: Json) -> Inbound:
    """Tell what became of a message template."""
    event, reason = text(value, "event"), text(value, "reason")
    named = [text(value, f"message_template_{name}") for name in ("name", "language")]
    detail = "; ".join(filter(None, [*named, "" if reason == "NONE" else reason]))
    status = "amber" if event in UNUSABLE else "green"
    code = ":".join(filter(None, [TEMPLATES, event]))
    return news(account, at, code, value, status=status, detail=detail)


class _Wall:
    """One change on a page's wall."""

    def __init__(self, account: str, at: datetime | None, field: str, value: Json) -> None:
        self.account, self.field, self.value = account, field, value
        self.told, self.at = at, moment(value, "created_time") or at
        self.item, self.verb = text(value, "item"), text(value, "verb")
        self.comment, self.post = text(value, "comment_id"), text(value, "post_id")
        if not self.post and field == "ratings":
            self.post = text(value, "open_graph_story_id")

    def read(self) -> Iterator[Inbound]:
        """Return the facts: what was written by visitors and us, its edits, reactions; the rest is news."""
        rating = self.item == "rating"
        ident = self.comment if self.item == "comment" else self.post
        if self.item in REACTIONS and self.comment:
            yield self._reaction()
        elif self.item == "comment" and self.comment and self.verb in VISIBILITY:
            yield self._moderated()
        elif (
            not (rating or self.item in WRITTEN) or not ident or self.verb not in {"add", "remove", *CHANGED}
        ):
            yield self.news()
        elif rating:
            yield from self._rating()
        elif self.item != "comment" and self._author() == self.account:
            yield self.news()
        elif self.verb == "remove":
            yield MessageRecalled(
                account=self.account,
                dedupe_key=f"recall:{ident}",
                occurred_at=self.at,
                external_id=ident,
                key=self._slot(ident),
            )
        elif self.verb in CHANGED:
            yield self._edited(ident, self._parts())
        else:
            yield self._written(ident, self._parts(), self._answered())

    def news(self) -> Inbound:
        """Tell what needs no answer: likes, hidden photos, posts of our own, settings."""
        code = ":".join(filter(None, [self.field or "change", self.item, self.verb]))
        return news(self.account, self.at, code, self.value, detail=text(self.value, "story"))

    def _moderated(self) -> Inbound:
        """Tell below a comment that the page's people (or its own filter) hid it, or show it again."""
        # The time in it may be that of the comment, which is hidden again and again.
        self.at = self.told or self.at
        ident = f"{self.verb}:{self.comment}:{digest(self.value, str(self.at))}"
        return self._ours(ident, [VISIBILITY[self.verb]], self.comment)

    def _rating(self) -> Iterator[Inbound]:
        words = text(self.value, "review_text")
        shown = {
            name: self.value[name]
            for name in ("rating", "recommendation_type")
            if self.value.get(name) is not None
        }
        parts: list[Part] = [Text(words)] if words else []
        parts.append(Notice("messenger.rating", "Rated the page", plain(shown, DEEPEST)))
        ident = f"rating:{self.post}"
        if self.verb in CHANGED:
            yield self._edited(ident, parts)
        elif self.verb == "remove":
            yield self.news()
        else:
            yield self._written(ident, parts, "")

    def _written(self, ident: str, parts: list[Part], reply_to: str) -> Inbound:
        post = self.post or ident
        if self._author() == self.account and self.account:
            return self._ours(ident, parts, reply_to, self._name())
        return MessageReceived(
            account=self.account,
            dedupe_key=f"message:{ident}",
            occurred_at=self.at,
            external_id=ident,
            sender=self._sender(ident),
            address=post,
            parts=parts,
            slot=f"post:{post}",
            room_name=" ".join(text(self.value, "post", "message").split())[:80],
            reply_to=reply_to,
            opens="",
        )

    def _ours(self, ident: str, parts: list[Part], reply_to: str, name: str = "") -> Inbound:
        post = self.post or ident
        return EchoReceived(
            account=self.account,
            dedupe_key=f"echo:{ident}",
            occurred_at=self.at,
            external_id=ident,
            customer=Sender(claims=[Claim(DIALECT.space(self.account), self.account)], name=name),
            address=post,
            parts=parts,
            slot=f"post:{post}",
            reply_to=reply_to,
        )

    def _edited(self, ident: str, parts: list[Part]) -> Inbound:
        return MessageEdited(
            account=self.account,
            dedupe_key=f"edit:{ident}:{digest(self.value, str(self.at))}",
            occurred_at=self.at,
            external_id=ident,
            parts=parts,
            key=self._slot(ident),
        )

    def _reaction(self) -> Inbound:
        kind = text(self.value, "reaction_type") or "like"
        emoji = "" if self.verb == "remove" else EMOJI.get(kind, kind)
        if self._author() in {"", self.account}:
            return self.news()
        return Reacted(
            account=self.account,
            dedupe_key=f"reaction:{self.comment}:{digest(self.value, str(self.at))}",
            occurred_at=self.at,
            external_id=self.comment,
            sender=self._sender(self.comment),
            emoji=emoji,
        )

    def _slot(self, ident: str) -> str:
        return f"post:{self.post or ident}"

    def _answered(self) -> str:
        """Return the comment that is answered; the parent of a comment on the post is the post."""
        parent = text(self.value, "parent_id")
        return "" if self.item != "comment" or parent in {self.post, self.comment} else parent

    def _author(self) -> str:
        found = text(self.value, "from", "id") or text(self.value, "sender_id")
        return found or text(self.value, "reviewer_id") or text(self.value, "user_id")

    def _name(self) -> str:
        found = text(self.value, "from", "name") or text(self.value, "sender_name")
        return found or text(self.value, "reviewer_name")

    def _sender(self, ident: str) -> Sender:
        """Return who wrote it; Facebook keeps people to itself who never allowed the app to know them."""
        author, space = self._author(), DIALECT.space(self.account)
        claim = Claim(space, author) if author else Claim(f"{space}:unnamed", ident, verified=False)
        return Sender(claims=[claim], name=self._name())

    def _parts(self) -> list[Part]:
        words = text(self.value, "message")
        parts: list[Part] = [Text(words)] if words else []
        parts += _pictures(self.value)
        link = text(self.value, "video") or ("" if self.item == "photo" else text(self.value, "link"))
        if link:
            parts.append(Link(link))
        return parts or [Unsupported(self.item, "Facebook does not say what is in it")]


def _pictures(value: Json) -> list[Part]:
    shown: list[Any] = [value.get("photo")]
    if text(value, "item") == "photo":
        shown.append(value.get("link"))
    photos = value.get("photos")
    shown += photos if isinstance(photos, list) else [row.get("src") for row in rows(value, "photos", "data")]
    return [
        Image(source=Source(url=url)) for url in dict.fromkeys(u for u in shown if isinstance(u, str) and u)
    ]


READERS = meta.Readers(
    _item, _change, {"user": "user", "permissions": "permissions", "application": "application"}
)


def is_comment(external_id: str) -> bool:
    """Tell comments and posts (`123_456`) from messages, which can be marked as read."""
    return external_id.replace("_", "").isdigit()
