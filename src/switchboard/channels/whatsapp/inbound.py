"""Webhooks of the WhatsApp Business Platform as facts.

One POST carries `entry[] × changes[] × (messages[] | statuses[] | …)` of several people and numbers. A bad
item becomes Unreadable and its neighbours pass; only a body that isn't such an envelope is a BadPayload.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    BadPayload,
    Claim,
    EchoReceived,
    IdentityChanged,
    Inbound,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Part,
    Reacted,
    ReceiptReceived,
    Sender,
    Unreadable,
    Unsupported,
    decode,
)
from switchboard.channels.reading import Json, digest, obj, plain, rows, text
from switchboard.channels.whatsapp.content import parts_of
from switchboard.channels.whatsapp.payloads import BSUID, DEEPEST, USER_ID, claims, listed, moment
from switchboard.channels.whatsapp.standing import standing

# `played` is a voice note listened to: it was read.
STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}


class BadItem(Exception):
    """One item can't be understood; the text says why."""


class Place:
    """Where an item stands: its account, number, and the people that the change describes."""

    def __init__(self, waba_id: str, value: Json, field: str) -> None:
        self.waba_id = waba_id
        self.field = field
        self.account = text(value, "metadata", "phone_number_id") or waba_id
        self.contacts = rows(value, "contacts")

    def contact(self, number: str, user_id: str) -> Json:
        """Return the contact of an item's sender; a lone contact is his even where the two numbers differ."""
        for row in self.contacts:
            if (number and text(row, "wa_id") == number) or (user_id and text(row, "user_id") == user_id):
                return row
        return self.contacts[0] if len(self.contacts) == 1 else {}

    def person(self, number: str, user_id: str) -> Sender:
        """Return who stands behind a number or BSUID, with whatever the contact adds; BadItem for nobody."""
        row = self.contact(number, user_id)
        found = claims(number or text(row, "wa_id"), user_id or text(row, "user_id"))
        if not found:
            raise BadItem("neither a phone number nor a user id says who it is from")
        parent = text(row, "parent_user_id")
        return Sender(
            claims=found,
            name=text(row, "profile", "name"),
            username=text(row, "profile", "username").removeprefix("@"),
            profile={"parent_user_id": parent} if parent else {},
        )


def facts(body: bytes) -> list[Inbound]:
    """Return the facts of one webhook body."""
    document = decode(body)
    if not isinstance(document, dict) or document.get("object") != "whatsapp_business_account":
        raise BadPayload("not a webhook of a WhatsApp Business Account (object)")
    entries = document.get("entry")
    if not isinstance(entries, list):
        raise BadPayload("the webhook has no list of entries")
    try:
        return list(_distinct(fact for entry in entries for fact in _entry(entry)))
    except RecursionError:
        raise BadPayload("the webhook is nested too deeply") from None


def _distinct(found: Iterator[Inbound]) -> Iterator[Inbound]:
    """Drop what one webhook says twice."""
    seen: set[str] = set()
    for fact in found:
        if fact.dedupe_key not in seen:
            seen.add(fact.dedupe_key)
            yield fact


def _entry(entry: Any) -> Iterator[Inbound]:
    waba_id = text(entry, "id")
    if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
        yield _unreadable(waba_id, entry, "an entry without a list of changes")
        return
    for change in entry["changes"]:
        value = obj(change, "value")
        if not value:
            yield _unreadable(waba_id, change, "a change without a value")
            continue
        yield from _change(Place(waba_id, value, text(change, "field")), value, moment(entry, "time"))


Reader = Callable[[Place, Json], Iterator[Inbound]]


def _change(place: Place, value: Json, at: datetime | None) -> Iterator[Inbound]:
    lists = READERS.get(place.field)
    if lists is None:
        yield _news(place, value, at)
        return
    for name, reader in lists.items():
        for item in listed(value, name):
            yield from _item(place, item, reader)
    if not any(isinstance(value.get(name), list) for name in lists):
        yield _unreadable(place.account, value, f"a change of {place.field} with nothing in it that we know")


def _item(place: Place, item: Any, reader: Reader) -> Iterator[Inbound]:
    try:
        if not isinstance(item, dict):
            raise BadItem("the item is not an object")
        yield from list(reader(place, item))
    except BadItem as error:
        yield _unreadable(place.account, item, str(error))


def _unreadable(account: str, item: Any, reason: str) -> Unreadable:
    return Unreadable(
        account=account, dedupe_key=f"unreadable:{digest(item)}", reason=reason, body=repr(item)[:2000]
    )


def _id(item: Json, name: str = "id") -> str:
    found = text(item, name)
    if not found:
        raise BadItem(f"no {name}")
    return found


def _slot(item: Json) -> str:
    group = text(item, "group_id")
    return f"group:{group}" if group else ""


# -- messages --------------------------------------------------------------------------------------------


def _message(place: Place, item: Json) -> Iterator[Inbound]:
    ident, kind = _id(item), text(item, "type")
    special = SPECIAL.get(kind)
    if special is not None:
        yield from special(place, item)
        return
    sender = place.person(text(item, "from"), text(item, "from_user_id"))
    yield _received(place, item, sender, parts_of(item), f"message:{ident}")


def _received(
    place: Place,
    item: Json,
    sender: Sender,
    parts: list[Part],
    key: str,
    *,
    auto: bool = False,
    opens: str = "message",
) -> MessageReceived:
    context = obj(item, "context")
    return MessageReceived(
        account=place.account,
        dedupe_key=key,
        occurred_at=moment(item),
        external_id=text(item, "id") or key,
        sender=sender,
        address=text(item, "group_id") or sender.claims[0].value,
        parts=parts,
        slot=_slot(item),
        reply_to=text(context, "id"),
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        referral=plain(obj(item, "referral"), DEEPEST),
        auto=auto,
        opens=opens,
    )


def _reaction(place: Place, item: Json) -> Iterator[Inbound]:
    yield Reacted(
        account=place.account,
        dedupe_key=f"reaction:{_id(item)}",
        occurred_at=moment(item),
        external_id=_id(obj(item, "reaction"), "message_id"),
        sender=place.person(text(item, "from"), text(item, "from_user_id")),
        emoji=text(item, "reaction", "emoji"),
    )


def _edit(place: Place, item: Json) -> Iterator[Inbound]:
    yield MessageEdited(
        account=place.account,
        dedupe_key=f"edit:{_id(item)}",
        occurred_at=moment(item),
        external_id=_id(obj(item, "edit"), "original_message_id"),
        parts=parts_of(obj(item, "edit", "message")),
        key=_lane(place, item),
    )


def _revoke(place: Place, item: Json) -> Iterator[Inbound]:
    yield MessageRecalled(
        account=place.account,
        dedupe_key=f"recall:{_id(item)}",
        occurred_at=moment(item),
        external_id=_id(obj(item, "revoke"), "original_message_id"),
        key=_lane(place, item),
    )


def _lane(place: Place, item: Json) -> str:
    """Return the lane of the conversation: the group's, the customer's (also where we are the ones who
    write).
    """
    if slot := _slot(item):
        return slot
    ours = place.field == "smb_message_echoes"
    number, user_id = ("to", "to_user_id") if ours else ("from", "from_user_id")
    return place.person(text(item, number), text(item, user_id)).claims[0].value


def _system(place: Place, item: Json) -> Iterator[Inbound]:
    ident, system = _id(item), obj(item, "system")
    kind, words = text(system, "type"), text(system, "body")
    now = claims(text(system, "wa_id") or text(system, "new_wa_id"), text(system, "user_id"))
    before = claims(text(system, "customer") or text(item, "from"), text(item, "from_user_id"))
    if kind == "user_changed_user_id":
        # The former id stands in the words alone: "… changed from <former> to <new>".
        former = next(iter(USER_ID.findall(words)), "")
        before = [Claim(BSUID, former)] if former and former != text(system, "user_id") else before
    if kind in {"user_changed_number", "customer_changed_number", "user_changed_user_id"} and before and now:
        yield IdentityChanged(
            account=place.account,
            dedupe_key=f"identity:{ident}",
            occurred_at=moment(item),
            previous=before[0],
            current=now,
        )
        return
    sender = place.person(text(item, "from"), text(item, "from_user_id") or text(system, "user_id"))
    code = f"whatsapp_{kind}" if kind else "whatsapp_system"
    # Nothing that the customer said: it opens no window for answers.
    yield _received(place, item, sender, [Notice(code, words)], f"message:{ident}", auto=True, opens="")


def _user_id_update(place: Place, item: Json) -> Iterator[Inbound]:
    former, new = text(item, "user_id", "previous"), text(item, "user_id", "current")
    if not former or not new:
        raise BadItem("no previous and current user id")
    yield IdentityChanged(
        account=place.account,
        dedupe_key=f"identity:{former}:{new}",
        occurred_at=moment(item),
        previous=Claim(BSUID, former),
        current=[Claim(BSUID, new), *claims(text(item, "wa_id"), "")],
    )


# -- receipts, echoes, the rest --------------------------------------------------------------------------


def _status(place: Place, item: Json) -> Iterator[Inbound]:
    ident, said = _id(item), text(item, "status")
    status = STATUSES.get(said)
    if status is None:
        raise BadItem(f"the status {said[:50]!r} is not known")
    group = text(item, "recipient_type") == "group"
    person = claims(text(item, "recipient_id"), text(item, "recipient_user_id"))
    reader = (
        text(item, "recipient_participant_id") or text(item, "recipient_participant_user_id") if group else ""
    )
    error = obj(next(iter(rows(item, "errors")), None))
    yield ReceiptReceived(
        account=place.account,
        dedupe_key=":".join(filter(None, ["status", ident, said, reader])),
        occurred_at=moment(item),
        external_id=ident,
        status=status,
        key=f"group:{text(item, 'recipient_id')}" if group else person[0].value if person else "",
        code=text(error, "code"),
        error=text(error, "error_data", "details") or text(error, "message") or text(error, "title"),
        idempotency_key=text(item, "biz_opaque_callback_data"),
    )


def _echo(place: Place, item: Json) -> Iterator[Inbound]:
    ident, kind = _id(item), text(item, "type")
    if kind == "edit":
        yield from _edit(place, item)
        return
    if kind == "revoke":
        yield from _revoke(place, item)
        return
    customer = place.person(text(item, "to"), text(item, "to_user_id"))
    yield EchoReceived(
        account=place.account,
        dedupe_key=f"echo:{ident}",
        occurred_at=moment(item),
        external_id=ident,
        customer=customer,
        address=text(item, "group_id") or customer.claims[0].value,
        parts=parts_of(item),
        slot=_slot(item),
        reply_to=text(item, "context", "id"),
    )


def _preference(place: Place, item: Json) -> Iterator[Inbound]:
    sender = place.person(text(item, "wa_id"), text(item, "user_id"))
    code = f"whatsapp_{text(item, 'category') or 'preference'}_{text(item, 'value') or 'changed'}"
    key = f"preference:{sender.claims[0].value}:{digest(item)}"
    # Of marketing messages only: the person can still be answered, but no window is opened by it.
    yield _received(place, item, sender, [Notice(code, text(item, "detail"))], key, auto=True, opens="")


def _call(place: Place, item: Json) -> Iterator[Inbound]:
    event = text(item, "event") or text(item, "status")
    number, user_id = text(item, "from"), text(item, "from_user_id")
    ours = text(item, "direction") == "BUSINESS_INITIATED" or not (number or user_id)
    if ours:
        number = text(item, "to") or text(item, "recipient_id")
        user_id = text(item, "to_user_id") or text(item, "recipient_user_id")
    sender = place.person(number, user_id)
    key = f"call:{_id(item)}:{event}"
    # Meta lets us answer for a day after a customer's call, not after one of ours.
    opens = "" if ours else "message"
    call = _received(place, item, sender, [Unsupported("call", event)], key, auto=True, opens=opens)
    yield msgspec.structs.replace(call, external_id=key)


def _group(place: Place, item: Json) -> Iterator[Inbound]:
    kind = text(item, "type") or place.field
    yield AccountChanged(
        account=place.account,
        dedupe_key=f"group:{digest(item)}",
        occurred_at=moment(item),
        status="green",
        code=kind,
        detail=text(item, "reason") or text(item, "initiated_by"),
        data=plain(item, DEEPEST),
    )


def _error(place: Place, item: Json) -> Iterator[Inbound]:
    yield AccountChanged(
        account=place.account,
        dedupe_key=f"error:{digest(item)}",
        status="amber",
        code=text(item, "code") or "error",
        detail=text(item, "error_data", "details") or text(item, "message") or text(item, "title"),
        data=plain(item, DEEPEST),
    )


def _news(place: Place, value: Json, at: datetime | None) -> AccountChanged:
    status, code, detail = standing(place.field, value)
    return AccountChanged(
        account=place.account,
        dedupe_key=f"news:{digest(place.waba_id, place.field, str(at), value)}",
        occurred_at=at,
        status=status,
        code=code,
        detail=detail,
        data=plain(value, DEEPEST),
    )


SPECIAL: dict[str, Reader] = {"reaction": _reaction, "edit": _edit, "revoke": _revoke, "system": _system}
READERS: dict[str, dict[str, Reader]] = {
    "messages": {"messages": _message, "statuses": _status, "errors": _error},
    "smb_message_echoes": {"message_echoes": _echo, "errors": _error},
    "user_id_update": {"user_id_update": _user_id_update},
    "user_preferences": {"user_preferences": _preference},
    "calls": {"calls": _call, "statuses": _call, "errors": _error},
    "group_lifecycle_update": {"groups": _group},
    "group_participants_update": {"groups": _group},
    "group_settings_update": {"groups": _group},
    "group_status_update": {"groups": _group},
}
