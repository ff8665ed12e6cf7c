"""Delivery reports (RFC 3464) and read receipts (RFC 8098): what became of a mail that we sent. Pure."""

from collections.abc import Iterator
from email.message import Message
from email.parser import Parser

from switchboard.channels.api import ReceiptReceived
from switchboard.channels.email import mime
from switchboard.channels.email.threads import key_of

# A delay isn't the end: the mail stays sent, with the server's words beside it.
_STATUS = {
    "failed": "failed",
    "delayed": "sent",
    "delivered": "delivered",
    "relayed": "sent",
    "expanded": "sent",
}


def receipts(message: Message, own: str) -> list[ReceiptReceived]:
    """Return what a report says about our mails; empty when it isn't a report, or names no mail."""
    if message.get_content_type() != "multipart/report":
        return []
    parts = list(mime.leaves(message))
    original = _original(parts)
    found: list[ReceiptReceived] = []
    for part in parts:
        if part.kind == "message/delivery-status" and original:
            found += _delivery(part, original, own, message)
        elif part.kind in ("message/disposition-notification", "message/global-disposition-notification"):
            found += _disposition(part, original, own, message)
    return list({receipt.dedupe_key: receipt for receipt in found}.values())


def _original(parts: list[mime.Leaf]) -> str:
    for part in parts:
        inner: Message | None = None
        if part.kind in ("message/rfc822", "message/global"):
            inner = part.mail()
        elif part.kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            inner = part.mail() or Parser(policy=mime.TOLERANT).parsestr(
                part.text()[:200_000], headersonly=True
            )
        if inner is not None and (ids := mime.message_ids(inner, "message-id")):
            return ids[0]
    return ""


def _delivery(part: mime.Leaf, original: str, own: str, report: Message) -> Iterator[ReceiptReceived]:
    for group in mime.inner(part.node)[:50]:
        action = mime.header(group, "action").lower()
        if action not in _STATUS:
            continue
        recipient = _after_type(
            mime.header(group, "final-recipient") or mime.header(group, "original-recipient")
        )
        code = mime.header(group, "status").split(" ")[0][:20]
        words = (
            _after_type(mime.header(group, "diagnostic-code"))[:500]
            if action in ("failed", "delayed")
            else ""
        )
        if action == "delayed":
            words = f"delayed: {words}" if words else "delayed"
        yield _receipt(original, _STATUS[action], own, report, recipient.lower(), code, words)


def _disposition(part: mime.Leaf, original: str, own: str, report: Message) -> Iterator[ReceiptReceived]:
    for group in mime.inner(part.node)[:5]:
        ids = mime.message_ids(group, "original-message-id")
        about = ids[0] if ids else original
        if about and mime.header(group, "disposition").lower().rpartition(";")[2].strip().startswith(
            "displayed"
        ):
            recipient = _after_type(mime.header(group, "final-recipient"))
            yield _receipt(about, "read", own, report, recipient.lower(), "", "")


def _receipt(
    original: str, status: str, own: str, report: Message, recipient: str, code: str, words: str
) -> ReceiptReceived:
    return ReceiptReceived(
        account=own,
        dedupe_key=f"receipt:{original}:{status}:{code}:{recipient}"[:900],
        occurred_at=mime.date_of(report),
        external_id=original,
        status=status,
        key=mime.address(recipient),
        code=code,
        error=words,
        idempotency_key=key_of(original, own),
    )


def _after_type(value: str) -> str:
    """Return what follows the type in a field like `rfc822; name@host`."""
    return value.partition(";")[2].strip() if ";" in value else value
