"""What Alibaba Cloud pushes, as facts: replies (SmsUp), reports (SmsReport), news of signs and templates."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
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
_ABROAD = {"1": "delivered", "2": "failed", "6": "failed"}
_GOOD_NEWS = {"approved", "AUDIT_STATE_PASS", "1"}

Json = dict[str, Any]


def facts_of(body: bytes, signs: Sequence[str]) -> list[Inbound]:
    """Return the facts of one push, each key once; raises BadPayload. `signs` are ours, in the order of the configuration."""
    found: dict[str, Inbound] = {}
    for item in sms.items(body):
        for fact in _facts(item, signs):
            found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def _facts(item: Any, signs: Sequence[str]) -> Iterator[Inbound]:
    if not isinstance(item, dict):
        yield _unreadable(item, signs, "an item that is no object")
    elif "content" in item and "phone_number" in item:
        yield _reply(item, signs)
    elif "err_code" in item or "success" in item:
        yield _report(item, signs)
    elif "MessageId" in item or "TaskId" in item:
        yield _report_from_abroad(item, signs)
    elif "message_id" in item:
        # The same report, as Alibaba Cloud's documentation of GlobeSmsReport writes its names.
        yield _report_from_abroad(
            {re.sub(r"(?:^|_)(\w)", _upper, name): value for name, value in item.items()}, signs
        )
    else:
        yield _news(item)


def _reply(item: Json, signs: Sequence[str]) -> Inbound:
    phone = sms.of_country(sms.text(item, "phone_number"), MAINLAND)
    content, sign = item.get("content"), sms.text(item, "sign_name")
    if not phone or not isinstance(content, str):
        return _unreadable(item, signs, "a reply without number or text")
    identifier = sms.text(item, "sequence_id")
    key = f"up:{identifier}" if identifier else f"up:{sms.digest(item)}"
    # Without a sign it goes to the one we have; with several, to a channel that an administrator can see is unknown.
    account = sign or (signs[0] if len(signs) == 1 else "?")
    return MessageReceived(
        account=account,
        dedupe_key=key,
        occurred_at=sms.beijing(sms.text(item, "send_time")),
        external_id=key,
        sender=sms.sender(phone),
        address=phone,
        parts=[Text(content)],
    )


def _report(item: Json, signs: Sequence[str]) -> Inbound:
    identifier, success = sms.text(item, "biz_id"), item.get("success")
    if not identifier or not isinstance(success, bool):
        return _unreadable(item, signs, "a report that names no message or no outcome")
    code = sms.text(item, "err_code")
    key, place = sms.of_out_id(sms.text(item, "out_id"))
    phone = sms.of_country(sms.text(item, "phone_number"), MAINLAND)
    return ReceiptReceived(
        account=_sender(place, signs),
        dedupe_key=f"report:{identifier}:{phone}:{'delivered' if success else code or 'failed'}",
        occurred_at=sms.beijing(sms.text(item, "report_time")),
        external_id=identifier,
        status="delivered" if success else "failed",
        key=phone,
        code="" if success else code,
        error="" if success else sms.text(item, "err_msg")[:500],
        idempotency_key=key,
    )


def _report_from_abroad(item: Json, signs: Sequence[str]) -> Inbound:
    identifier, status = sms.text(item, "MessageId"), sms.text(item, "Status")
    if not identifier or not status:
        return _unreadable(item, signs, "a report that names no message or no outcome")
    key, place = sms.of_out_id(sms.text(item, "TaskId"))
    meaning = _ABROAD.get(status, "sent")
    failed, written = meaning == "failed", sms.text(item, "ReceiveDate")
    return ReceiptReceived(
        account=_sender(place, signs),
        dedupe_key=f"report:{identifier}:{status[:20]}",
        occurred_at=_date(written) or sms.beijing(written),
        external_id=identifier,
        status=meaning,
        key=sms.number(f"+{sms.text(item, 'To').removeprefix('+')}"),
        code=sms.text(item, "ErrorCode")[:100] if failed else "",
        error=sms.text(item, "ErrorDescription")[:500] if failed else "",
        idempotency_key=key,
    )


def _news(item: Json) -> Inbound:
    """A sign or template was approved or turned down, or something that is not known yet."""
    kind = next((name for name in ("template", "sign") if any(f"{name}_" in key for key in item)), "push")
    status = sms.text(item, f"{kind}_status")
    words = " ".join(
        filter(
            None,
            (sms.text(item, name) for name in (f"{kind}_code", f"{kind}_name", f"{kind}_status", "reason")),
        )
    )
    return AccountChanged(
        account="",
        dedupe_key=f"news:{sms.digest(item)}",
        status="amber" if status and status not in _GOOD_NEWS else "green",
        code=f"aliyun_{kind}",
        detail=words[:500],
    )


def _sender(place: int, signs: Sequence[str]) -> str:
    return signs[place] if place < len(signs) else signs[0]


def _upper(found: re.Match[str]) -> str:
    return found[1].upper()


def _date(written: str) -> datetime | None:
    try:
        return parsedate_to_datetime(written).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _unreadable(item: Any, signs: Sequence[str], reason: str) -> Unreadable:
    return Unreadable(
        account=signs[0], dedupe_key=f"item:{sms.digest(item)}", reason=reason, body=repr(item)[:2000]
    )
