"""Facts: what arrived from outside, as the adapters tell it. One vocabulary, tagged by the field `fact`.

`account` is the platform's id of the number, page or mailbox concerned; ingest maps it to a channel of the same
connection. `dedupe_key` is unique per connection (platform id + kind + status or version; a content hash where there is
no id). `occurred_at` is the platform's own time and may be None.
"""

from datetime import datetime
from typing import Any

import msgspec

from switchboard.core.parts import Part, Source


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """One identifier of a person in an id space (`phone`, `email`, `whatsapp:bsuid:<portfolio>`, `telegram`, …).

    `verified` is true only when the platform or a signature vouches for it.
    """

    space: str
    value: str
    verified: bool = True


class Sender(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is speaking. `claims[0]` is the identity that the message itself belongs to."""

    claims: list[Claim]
    name: str = ""
    username: str = ""
    language: str = ""
    avatar: Source | None = None
    profile: dict[str, Any] = {}


class _Fact(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="fact", kw_only=True):
    account: str
    dedupe_key: str
    occurred_at: datetime | None = None


class MessageReceived(_Fact, frozen=True, omit_defaults=True, tag="message"):
    """Somebody wrote to us.

    `address` is where an answer goes (phone, chat id, mailbox). `slot` is empty for a person's own case, else
    `group:id`, `thread:root`, `post:id`. `thread` carries a mail's References, newest last. `backfill` marks history.
    `opens` names the reply window of the manifest that this opens (empty: none). `reply_handle` is what the platform wants to see
    with an answer (LINE's reply token, WeCom's welcome code).
    """

    external_id: str
    sender: Sender
    address: str
    parts: list[Part]
    slot: str = ""
    room_name: str = ""
    subject: str = ""
    reply_to: str = ""
    thread: list[str] = []
    forwarded: bool = False
    referral: dict[str, Any] = {}
    auto: bool = False
    backfill: bool = False
    opens: str = "message"
    reply_handle: str = ""


class EchoReceived(_Fact, frozen=True, omit_defaults=True, tag="echo"):
    """The company itself wrote to a customer outside this product (phone app, other tool), or our own send came back.

    `customer` is the person written to; `idempotency_key` is ours when the platform returns it.
    """

    external_id: str
    customer: Sender
    address: str
    parts: list[Part]
    slot: str = ""
    reply_to: str = ""
    idempotency_key: str = ""


class MessageEdited(_Fact, frozen=True, omit_defaults=True, tag="edited"):
    """A message that was received earlier now reads differently."""

    external_id: str
    parts: list[Part]
    key: str = ""


class MessageRecalled(_Fact, frozen=True, omit_defaults=True, tag="recalled"):
    """A message that was received earlier was taken back by its sender."""

    external_id: str
    key: str = ""


class ReceiptReceived(_Fact, frozen=True, omit_defaults=True, tag="receipt"):
    """The platform says how far one of our messages got: sent, delivered, read or failed.

    `idempotency_key` is the key we sent along, when the platform returns it; it settles a send that was in doubt.
    `up_to` is a watermark: with an empty `external_id`, all that we sent to the address `key` until then.
    """

    external_id: str
    status: str
    key: str = ""
    code: str = ""
    error: str = ""
    idempotency_key: str = ""
    up_to: datetime | None = None


class Reacted(_Fact, frozen=True, omit_defaults=True, tag="reacted"):
    """Somebody put an emoji on a message; an empty `emoji` takes it away."""

    external_id: str
    sender: Sender
    emoji: str


class Typed(_Fact, frozen=True, omit_defaults=True, tag="typed"):
    """Somebody is typing."""

    sender: Sender
    slot: str = ""


class IdentityChanged(_Fact, frozen=True, omit_defaults=True, tag="identity_changed"):
    """The platform says that a person's identifier changed (new phone number, new BSUID)."""

    previous: Claim
    current: list[Claim]


class ProfileReceived(_Fact, frozen=True, omit_defaults=True, tag="profile"):
    """Somebody told who they are, or their platform did: a name, further identifiers, proven or only claimed."""

    sender: Sender


class ReachChanged(_Fact, frozen=True, omit_defaults=True, tag="reach_changed"):
    """A person blocked us, left, or came back."""

    sender: Sender
    reachable: bool
    reason: str = ""


class AccountChanged(_Fact, frozen=True, omit_defaults=True, tag="account_changed"):
    """The platform tells of our own account: banned, quality drop, template approved, connection rights changed.

    `status` is green, amber or red; `code` names the news, `detail` holds the platform's words.
    """

    status: str
    code: str
    detail: str = ""
    data: dict[str, Any] = {}


class Unreadable(_Fact, frozen=True, omit_defaults=True, tag="unreadable"):
    """One bad item inside a good envelope: kept, shown to the administrator, in nobody's way."""

    reason: str
    body: str = ""


class Nudge(_Fact, frozen=True, omit_defaults=True, tag="nudge"):
    """The platform only says that there is something to fetch: poll this account now.

    `hint` is what the platform wants to see with that poll (WeCom's token); it is never kept.
    """

    hint: str = ""


Inbound = (
    MessageReceived
    | EchoReceived
    | MessageEdited
    | MessageRecalled
    | ReceiptReceived
    | Reacted
    | Typed
    | IdentityChanged
    | ProfileReceived
    | ReachChanged
    | AccountChanged
    | Unreadable
    | Nudge
)


def lane_key(fact: Inbound) -> str:
    """Return the person or room whose facts must keep their order (see `ids.lane_of`).

    Edits, recalls and receipts name their person in `key` where the platform says it; without one they go by message
    id, which is safe because they wait for their target when it isn't there yet.
    """
    match fact:
        case MessageReceived(slot=slot) | Typed(slot=slot) if slot.startswith(("group:", "post:")):
            return slot
        case MessageReceived(sender=sender) | Typed(sender=sender) | Reacted(sender=sender):
            return sender.claims[0].value if sender.claims else ""
        case ReachChanged(sender=sender) | ProfileReceived(sender=sender):
            return sender.claims[0].value if sender.claims else ""
        case EchoReceived(customer=customer):
            return customer.claims[0].value if customer.claims else ""
        case MessageEdited() | MessageRecalled() | ReceiptReceived():
            return fact.key or fact.external_id
        case IdentityChanged(previous=previous):
            return previous.value
        case _:
            return fact.account
