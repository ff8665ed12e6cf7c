"""The life of a conversation: new → open ⇄ pending/snoozed → resolved → open again."""

from datetime import datetime, timedelta

from switchboard.core.facts import EchoReceived, MessageReceived

STATUSES = ("new", "open", "pending", "snoozed", "resolved")
MOVES = {
    "new": {"open", "pending", "snoozed", "resolved"},
    "open": {"pending", "snoozed", "resolved"},
    "pending": {"open", "snoozed", "resolved"},
    "snoozed": {"open", "pending", "resolved"},
    "resolved": {"open"},
}
OLDEST = timedelta(days=30)
JUST_NOW = timedelta(minutes=10)


def may_move(status: str, to: str) -> bool:
    """Tell whether a person may move a conversation so; staying where it is always may."""
    return to == status or to in MOVES[status]


def on_inbound(status: str) -> str:
    """Return the status after the customer wrote: whatever slept or was over is open again."""
    return "new" if status == "new" else "open"


def on_reply(status: str) -> str:
    """Return the status after we wrote."""
    return "open" if status in ("new", "snoozed", "resolved") else status


def joined_status(source: str, target: str) -> str:
    """Return the status of an open conversation after another open one was joined to it: what needs us stays awake."""
    return "open" if source != target and source in ("new", "open") else target


def is_history(fact: MessageReceived | EchoReceived, received_at: datetime) -> bool:
    """Tell whether a message belongs to former days: who wrote a moment before we were connected still waits."""
    if not isinstance(fact, MessageReceived) or not fact.backfill:
        return False
    return fact.occurred_at is None or received_at - fact.occurred_at > JUST_NOW


def clamp(occurred_at: datetime | None, received_at: datetime) -> datetime:
    """Return the customer's own time, kept within the 30 days before it was received."""
    if occurred_at is None or occurred_at > received_at:
        return received_at
    return max(occurred_at, received_at - OLDEST)
