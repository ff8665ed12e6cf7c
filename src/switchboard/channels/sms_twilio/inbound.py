"""What Twilio posts, as facts: messages and status callbacks as forms, event streams as JSON."""

import hashlib
from collections.abc import Mapping
from typing import Any

from switchboard.channels.api import (
    AccountChanged,
    Audio,
    BadPayload,
    File,
    Image,
    Inbound,
    MessageReceived,
    Part,
    RawRequest,
    ReachChanged,
    ReceiptReceived,
    Sender,
    Source,
    Text,
    Unreadable,
    Unsupported,
    Video,
    decode,
)
from switchboard.channels.families import sms
from switchboard.channels.sms_twilio.signature import form_of

MOST_MEDIA = 10
_MEANING = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_WORDS = {
    "30002": "Twilio has suspended the account, as a rule because the money has run out.",
    "30003": "The phone is switched off or out of reach.",
    "30004": "The recipient has blocked this number.",
    "30005": "There is no such number.",
    "30006": "The number is a landline, or its carrier can't be reached.",
    "30007": "The carrier filtered the message as unwanted.",
    "30008": "The carrier gave no reason.",
}
_EVENT = "com.twilio.messaging."
_MEDIA: dict[str, type[Image | Audio | Video]] = {"image": Image, "audio": Audio, "video": Video}
_CHOICES = {"STOP": False, "START": True}


def facts_of(request: RawRequest) -> list[Inbound]:
    """Return the facts of one call; raises BadPayload for what is neither Twilio's form nor its events."""
    if "json" in request.headers.get("content-type", ""):
        return _events(request.body)
    try:
        form = dict(form_of(request.body))
    except ValueError:
        raise BadPayload("too many fields") from None
    sid = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid") or ""
    if not sid:
        raise BadPayload("the form has no MessageSid")
    if form.get("MessageStatus") and form.get("SmsStatus") != "received":
        return [_receipt(form, sid, form["MessageStatus"])]
    return _message(form, sid)


def _message(form: Mapping[str, str], sid: str) -> list[Inbound]:
    account, source = form.get("To", ""), form.get("From", "")
    if not account or not source:
        return [
            Unreadable(
                account=account or "?",
                dedupe_key=f"message:{sid}",
                reason="a message without From or To",
                body=str(dict(form))[:2000],
            )
        ]
    known = sms.sender(source)
    country = form.get("FromCountry", "")
    sender = Sender(known.claims, profile={"country": country}) if country else known
    found: list[Inbound] = [
        MessageReceived(
            account=account,
            dedupe_key=f"message:{sid}",
            external_id=sid,
            sender=sender,
            address=sender.claims[0].value,
            parts=_parts(form),
        )
    ]
    choice = form.get("OptOutType", "").upper()
    if choice in _CHOICES:
        found.append(
            ReachChanged(
                account=account,
                dedupe_key=f"opt:{sid}",
                sender=sender,
                reachable=_CHOICES[choice],
                reason="" if _CHOICES[choice] else "opted_out",
            )
        )
    return found


def _parts(form: Mapping[str, str]) -> list[Part]:
    parts: list[Part] = [Text(form["Body"])] if form.get("Body") else []
    count = form.get("NumMedia", "")
    for index in range(
        min(int(count), MOST_MEDIA) if count.isascii() and count[:3].isdigit() and len(count) < 4 else 0
    ):
        url, mime = form.get(f"MediaUrl{index}", ""), form.get(f"MediaContentType{index}", "")
        if not url.startswith(("https://", "http://")):
            parts.append(Unsupported("mms_media", "without an address"))
            continue
        kind = _MEDIA.get(mime.partition("/")[0])
        parts.append(
            kind(source=Source(url=url), mime=mime) if kind else File(source=Source(url=url), mime=mime)
        )
    return parts or [Text("")]


def _receipt(form: Mapping[str, Any], sid: str, status: str) -> Inbound:
    code = str(form.get("ErrorCode") or "")
    meaning = _MEANING.get(status, "sent")
    return ReceiptReceived(
        account=str(form.get("From") or "?"),
        dedupe_key=f"status:{sid}:{status[:40]}",
        external_id=sid,
        status=meaning,
        key=str(form.get("To") or ""),
        code=(code or status) if meaning == "failed" else "",
        error=_WORDS.get(code, str(form.get("ErrorMessage") or "")[:500]) if meaning == "failed" else "",
    )


# -- event streams: CloudEvents, one or several in an array ------------------------------------------------


def _events(body: bytes) -> list[Inbound]:
    document = decode(body)
    events = document if isinstance(document, list) else [document]
    if not events or not all(isinstance(event, dict) for event in events):
        raise BadPayload("neither an event nor a list of events")
    found: dict[str, Inbound] = {}
    for event in events:
        for fact in _event(event):
            found.setdefault(fact.dedupe_key, fact)
    return list(found.values())


def _event(event: dict[str, Any]) -> list[Inbound]:
    given = event.get("data")
    data = {
        name[:1].upper() + name[1:]: str(value)
        for name, value in (given.items() if isinstance(given, dict) else ())
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    kind = event.get("type")
    sid, key = data.get("MessageSid", ""), f"event:{_name(event)}"
    if isinstance(kind, str) and kind.startswith(f"{_EVENT}message.") and sid:
        return [_receipt(data, sid, kind.rpartition(".")[2])]
    if not isinstance(kind, str) or not kind:
        return [
            Unreadable(account="?", dedupe_key=key, reason="an event without a type", body=str(event)[:2000])
        ]
    return [
        AccountChanged(account="", dedupe_key=key, status="green", code="twilio_event", detail=kind[:200])
    ]


def _name(event: dict[str, Any]) -> str:
    known = event.get("id")
    if isinstance(known, str) and known:
        return known
    return hashlib.sha256(repr(event).encode("utf-8", "replace")).hexdigest()
