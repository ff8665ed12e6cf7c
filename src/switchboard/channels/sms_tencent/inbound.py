"""What Tencent Cloud pushes, as facts: what people reply, how sent messages fared. Nothing of it is signed."""

from datetime import UTC, datetime
from typing import Any

from switchboard.channels.api import (
    AccountChanged,
    Inbound,
    MessageReceived,
    ReceiptReceived,
    Text,
    Unreadable,
)
from switchboard.channels.families import sms

MAINLAND = "86"
_MEANING = {"SUCCESS": "delivered", "FAIL": "failed"}

Json = dict[str, Any]


def facts_of(body: bytes, account: str) -> list[Inbound]:
    """Return the facts of one push, each key once; raises BadPayload. `account` is our application."""
    found: dict[str, Inbound] = {}
    for item in sms.items(body):
        fact = _fact(item, account)
        found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def _fact(item: Any, account: str) -> Inbound:
    if not isinstance(item, dict):
        return _unreadable(item, account, "an item that is no object")
    if "report_status" in item or "sid" in item:
        return _report(item, account)
    if "mobile" in item:
        return _reply(item, account)
    return AccountChanged(
        account="",
        dedupe_key=f"news:{sms.digest(item)}",
        status="green",
        code="tencent_push",
        detail=f"Tencent Cloud pushed something new: {', '.join(sorted(item))}"[:500],
    )


def _reply(item: Json, account: str) -> Inbound:
    """A reply has no id: the same words from the same person in the same second are the same reply, pushed again."""
    phone, said = _phone(item), item.get("text")
    if not phone or not isinstance(said, str):
        return _unreadable(item, account, "a reply without number or text")
    key = f"reply:{sms.digest(item)}"
    return MessageReceived(
        account=account,
        dedupe_key=key,
        occurred_at=_moment(item.get("time")),
        external_id=key,
        sender=sms.sender(phone),
        address=phone,
        parts=[Text(said)],
    )


def _report(item: Json, account: str) -> Inbound:
    identifier, status = sms.text(item, "sid"), _MEANING.get(sms.text(item, "report_status"), "")
    if not identifier or not status:
        return _unreadable(item, account, "a report that names no message or no outcome")
    phone, code = _phone(item), sms.text(item, "errmsg")[:100]
    failed = status == "failed"
    return ReceiptReceived(
        account=account,
        dedupe_key=f"report:{identifier}:{phone}:{(code or status) if failed else status}",
        occurred_at=sms.beijing(sms.text(item, "user_receive_time")),
        external_id=identifier,
        status=status,
        key=phone,
        code=(code or "failed") if failed else "",
        error=sms.text(item, "description")[:500] if failed else "",
    )


def _phone(item: Json) -> str:
    """Return the number, which stands apart from its country's code; empty when it is none (they may be masked)."""
    nation = sms.text(item, "nationcode").lstrip("+") or MAINLAND
    if len(nation) > 4 or not nation.isascii() or not nation.isdigit():
        return ""
    return sms.of_country(sms.text(item, "mobile"), nation)


def _moment(written: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(written), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _unreadable(item: Any, account: str, reason: str) -> Unreadable:
    return Unreadable(
        account=account, dedupe_key=f"item:{sms.digest(item)}", reason=reason, body=repr(item)[:2000]
    )
