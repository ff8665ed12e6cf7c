"""What Meta's messaging platforms share on the way in: proof of origin and the envelope.

One POST carries `entry[] × (messaging[] | standby[] | changes[])` of several people and accounts. A bad item
becomes Unreadable and its neighbours pass; only a body that isn't such an envelope is a BadPayload.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from switchboard.channels.api import (
    AccountChanged,
    BadPayload,
    BadSignature,
    Inbound,
    RawRequest,
    Reply,
    Unreadable,
    decode,
    secret,
)
from switchboard.channels.reading import Json, digest, moment, plain, rows, text

Reader = Callable[[str, datetime | None, Json], Iterator[Inbound]]

VerifyToken = Annotated[
    str,
    secret(
        "Verify token",
        "验证令牌",
        "Any phrase of your own; enter the same one where Meta asks for it.",
        "自行设定的任意口令，与 Meta 回调设置页中填写的保持一致。",
    ),
]
"""The field of a configuration that `greet` wants."""

DEEPEST = 8
"""How deep what is kept as it came may be nested."""


class BadItem(Exception):
    """One item can't be understood; the text says why."""


# -- proof of origin ---------------------------------------------------------------------------------------


def prove(request: RawRequest, app_secret: str) -> None:
    """Check the HMAC-SHA256 of the raw body; the older SHA-1 header is never accepted."""
    wanted = hmac.new(app_secret.encode(), request.body, hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(f"sha256={wanted}".encode(), given.encode("utf-8", "replace")):
        raise BadSignature("X-Hub-Signature-256 is missing or does not fit the body and the app secret")


def greet(request: RawRequest, verify_token: str) -> Reply:
    """Answer Meta's verification of the callback address."""
    query: Mapping[str, str] = request.query
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    fits = hmac.compare_digest(verify_token.encode(), given)
    if not fits or query.get("hub.mode") != "subscribe" or not query.get("hub.challenge"):
        return Reply(status=403, body=b"the verify token is not the one of this connection")
    return Reply(body=query["hub.challenge"].encode("utf-8", "replace"))


# -- the envelope ------------------------------------------------------------------------------------------


class Readers:
    """How one platform reads the items of an entry: what people do (`item`) and what changed (`change`).

    A reader gets the account, the entry's time and the item; it may raise BadItem.
    """

    def __init__(self, item: Reader, change: Reader, other: Mapping[str, str]) -> None:
        self.item = item
        self.change = change
        self.other = other
        """Further objects whose changes are news of the app, with the word that begins their code."""


def facts(body: bytes, name: str, readers: Readers) -> list[Inbound]:
    """Return the facts of one webhook body about the object `name`."""
    document = decode(body)
    given = text(document, "object")
    if not isinstance(document, dict) or given not in {name, *readers.other}:
        raise BadPayload(f"not a webhook of this product (its object is not {name})")
    entries = document.get("entry")
    if not isinstance(entries, list):
        raise BadPayload("the webhook has no list of entries")
    prefix = "" if given == name else readers.other[given]
    try:
        found = [
            fact
            for entry in entries
            for fact in (_news_only(prefix, entry) if prefix else _entry(readers, entry))
        ]
        return list(_distinct(found))
    except RecursionError:
        raise BadPayload("the webhook is nested too deeply") from None


def _distinct(found: list[Inbound]) -> Iterator[Inbound]:
    """Drop what one webhook says twice."""
    seen: set[str] = set()
    for fact in found:
        if fact.dedupe_key not in seen:
            seen.add(fact.dedupe_key)
            yield fact


def _entry(readers: Readers, entry: Any) -> Iterator[Inbound]:
    account, at = text(entry, "id"), moment(entry, "time")
    known = False
    for name in ("messaging", "standby", "changes"):
        items = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(items, list):
            continue
        known = True
        reader = readers.change if name == "changes" else readers.item
        for item in items:
            yield from _item(reader, account, at, item)
    if not known and isinstance(entry, dict) and "field" in entry:
        # Business Login for Instagram puts a lone change into the entry itself.
        yield from _item(readers.change, account, at, {key: entry.get(key) for key in ("field", "value")})
    elif not known:
        yield unreadable(account, entry, "an entry without a list of messages or changes")


def _item(reader: Reader, account: str, at: datetime | None, item: Any) -> Iterator[Inbound]:
    try:
        if not isinstance(item, dict):
            raise BadItem("the item is not an object")
        yield from list(reader(account, at, item))
    except BadItem as error:
        yield unreadable(account, item, str(error))


def unreadable(account: str, item: Any, reason: str) -> Unreadable:
    """Keep an item that can't be understood."""
    return Unreadable(
        account=account, dedupe_key=f"unreadable:{digest(item)}", reason=reason, body=repr(item)[:2000]
    )


def _news_only(prefix: str, entry: Any) -> Iterator[Inbound]:
    account, at = text(entry, "id"), moment(entry, "time")
    for change in rows(entry, "changes"):
        field, verb = text(change, "field") or "change", text(change, "value", "verb") or text(change, "verb")
        lost = verb.startswith("revoke")
        detail = f"The permission {field} was withdrawn." if lost else ""
        yield news(
            account, at, f"{prefix}:{field}", change, status="amber" if lost else "green", detail=detail
        )


def news(
    account: str, at: datetime | None, code: str, item: Json, *, status: str = "green", detail: str = ""
) -> AccountChanged:
    """Tell what happened to an account of ours and needs no answer."""
    return AccountChanged(
        account=account,
        dedupe_key=f"news:{digest(account, code, str(at), item)}",
        occurred_at=at,
        status=status,
        code=code,
        detail=detail,
        data=plain(item, DEEPEST),
    )
