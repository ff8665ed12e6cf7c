"""A partner's items into facts."""

import hashlib
import mimetypes
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from switchboard.channels.api import (
    Audio,
    BadPayload,
    Choice,
    Claim,
    File,
    Image,
    Inbound,
    Location,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Part,
    ReceiptReceived,
    Sender,
    Source,
    Text,
    Unreadable,
    Unsupported,
    Video,
)
from switchboard.channels.custom.payloads import Attachment, Edit, Message, Person, Recall, Receipt, moment

_MEDIA: dict[str, type[Image | Audio | Video | File]] = {
    "image": Image,
    "audio": Audio,
    "video": Video,
    "file": File,
}


class Partner(msgspec.Struct, frozen=True):
    """The system on the other side; `trusted` when it has checked the phones and addresses it names."""

    system: str
    trusted: bool


def facts_of(body: object, partner: Partner) -> list[Inbound]:
    """Return the facts of a request; a list that isn't one spoils the envelope, an item only itself."""
    if not isinstance(body, dict):
        raise BadPayload("the body must be a JSON object")
    found: list[Inbound] = []
    for name, read in _LISTS.items():
        items = body.get(name)
        if items is None:
            continue
        if not isinstance(items, list):
            raise BadPayload(f"{name} must be a list")
        for item in items:
            try:
                found.append(read(item, partner))
            except msgspec.ValidationError as error:
                found.append(_unreadable(name, item, partner, str(error)))
    return found


def _unreadable(name: str, item: Any, partner: Partner, reason: str) -> Unreadable:
    written = msgspec.json.encode(item)
    key = f"unreadable:{name}:{hashlib.sha256(written).hexdigest()[:32]}"
    body = written[:4000].decode("utf-8", "replace")
    return Unreadable(account=partner.system, dedupe_key=key, reason=f"{name}: {reason}"[:500], body=body)


def _sender(person: Person, partner: Partner) -> Sender:
    claims = [Claim(f"custom:{partner.system}", person.id)]
    phone, email = _phone(person.phone or ""), (person.email or "").strip().lower()
    if phone:
        claims.append(Claim("phone", phone, partner.trusted))
    if len(email) <= 254 and email.count("@") == 1 and not email.startswith("@") and not email.endswith("@"):
        claims.append(Claim("email", email, partner.trusted))
    return Sender(claims, person.name or "", language=person.language or "")


def _phone(text: str) -> str:
    """Return a number in E.164; empty without a country code, since guessing it would join strangers."""
    compact = "".join(sign for sign in text if sign not in " -().\u00a0")
    compact = f"+{compact[2:]}" if compact.startswith("00") else compact
    digits = compact.removeprefix("+")
    fits = compact.startswith("+") and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15
    return compact if fits else ""


def _parts(content: Message | Edit) -> list[Part]:
    found: list[Part] = [Text(content.text)] if content.text else []
    found += [_medium(attachment) for attachment in content.attachments or []]
    if content.location:
        place = content.location
        found.append(Location(place.latitude, place.longitude, place.name or "", place.address or ""))
    return found


def _medium(attachment: Attachment) -> Part:
    said = (attachment.type or "").lower().strip()
    try:
        path = unquote(urlsplit(attachment.url).path)
    except ValueError:
        return Unsupported("attachment", "its address can't be read")
    name = attachment.name or path.rsplit("/", 1)[-1]
    mime = said if "/" in said else mimetypes.guess_type(name)[0] or ""
    family = said.partition("/")[0] or mime.partition("/")[0]
    return _MEDIA.get(family, File)(source=Source(url=attachment.url), name=name, mime=mime)


def _message(item: Any, partner: Partner) -> Inbound:
    message = msgspec.convert(item, Message)
    parts = _parts(message)
    if message.choice:
        parts.append(Choice(message.choice.id, message.choice.title or ""))
    return MessageReceived(
        account=partner.system,
        dedupe_key=f"message:{message.id}",
        occurred_at=moment(message.sent_at),
        external_id=message.id,
        sender=_sender(message.from_, partner),
        address=message.room or message.from_.id,
        parts=parts or [Unsupported("empty message", "neither text, attachments, location nor choice")],
        slot=f"group:{message.room}" if message.room else "",
        room_name=(message.room_name or "") if message.room else "",
        reply_to=message.reply_to or "",
    )


def _receipt(item: Any, partner: Partner) -> Inbound:
    receipt = msgspec.convert(item, Receipt)
    return ReceiptReceived(
        account=partner.system,
        dedupe_key=f"status:{receipt.id}:{receipt.status}",
        occurred_at=moment(receipt.at),
        external_id=receipt.id,
        status=receipt.status,
        code=receipt.code or "",
        error=receipt.error or "",
        idempotency_key=receipt.key or "",
    )


def _edit(item: Any, partner: Partner) -> Inbound:
    edit = msgspec.convert(item, Edit)
    version = hashlib.sha256(msgspec.json.encode(edit)).hexdigest()[:16]
    return MessageEdited(
        account=partner.system,
        dedupe_key=f"edit:{edit.id}:{version}",
        occurred_at=moment(edit.at),
        external_id=edit.id,
        parts=_parts(edit) or [Unsupported("empty message", "nothing is left of it")],
    )


def _recall(item: Any, partner: Partner) -> Inbound:
    recall = msgspec.convert(item, Recall)
    return MessageRecalled(
        account=partner.system,
        dedupe_key=f"recall:{recall.id}",
        occurred_at=moment(recall.at),
        external_id=recall.id,
    )


_LISTS: dict[str, Callable[[Any, Partner], Inbound]] = {
    "messages": _message,
    "receipts": _receipt,
    "edits": _edit,
    "recalls": _recall,
}
