"""Builds the mail that goes out. Pure: the same message, files and time give the same bytes."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from uuid import UUID

from switchboard.channels.api import MEDIA, Content, Media, Outbound, Part, Refused, Template, Text
from switchboard.channels.email import mime, threads
from switchboard.channels.email.config import EmailConfig
from switchboard.core import html, parts

# Not every server on the way takes 8-bit bodies.
POLICY = SMTP.clone(cte_type="7bit")
MACHINES = ("system", "bot")
_ANSWERS = re.compile(r"\s*(?:re|aw|sv|回复|答复|回覆)\s*[:：]", re.IGNORECASE)
_PAGE = '<div style="font-family:sans-serif;font-size:14px;line-height:1.6">'


def files_of(message: Outbound) -> list[Media]:
    """Return the parts of a message that are files."""
    return [part for part in message.parts if isinstance(part, MEDIA)]


def build(
    message: Outbound, files: Mapping[UUID, Content], config: EmailConfig, now: datetime
) -> EmailMessage:
    """Return the whole mail; raises Refused for what no mail can carry."""
    mail = EmailMessage(policy=POLICY)
    for name, value in _headers(message, config, now).items():
        mail[name] = value
    said = [words for part in message.parts if (words := _words(part))]
    signature = mime.clean(config.signature).strip()
    mail.set_content("\n\n".join([*said, *([f"-- \n{signature}"] if signature else [])]) + "\n")
    page = html.html_of(said)
    if signature:
        page += f'<div style="color:#777">{escape(signature).replace(chr(10), "<br>")}</div>'
    mail.add_alternative(f"<html><body>{_PAGE}{page}</div></body></html>\n", subtype="html")
    for part in files_of(message):
        if part.file_id is None or part.file_id not in files:
            raise Refused(f"The file {part.name or 'attached'} is not stored.")
        _attach(mail, files[part.file_id], part.name)
    _settle(mail, message.idempotency_key)
    return mail


def _headers(message: Outbound, config: EmailConfig, now: datetime) -> dict[str, object]:
    own = config.address
    headers: dict[str, object] = {
        "From": _address(own, config.display_name),
        "To": _address(message.to),
        "Subject": _subject(message),
        "Date": format_datetime(now.replace(microsecond=0)),
        "Message-ID": threads.message_id(message.idempotency_key, own),
    }
    answered = _identifier(message.reply_to)
    ancestors = threads.references([known for one in message.thread if (known := _identifier(one))], answered)
    if ancestors:
        headers["In-Reply-To"] = answered or ancestors[-1]
        headers["References"] = " ".join(ancestors)
    if config.plus_addresses:
        headers["Reply-To"] = _address(
            threads.plus_address(own, message.idempotency_key), config.display_name
        )
    if message.author in MACHINES:
        headers["Auto-Submitted"] = "auto-replied" if ancestors else "auto-generated"
        headers["X-Auto-Response-Suppress"] = "All"
    return headers


def _address(address: str, name: str = "") -> Address:
    known = mime.address(address)
    local, _, domain = known.rpartition("@")
    if not known or not local.isascii():
        raise Refused(f"{address!r:.100} is not an address that mail can be sent to.", unreachable=True)
    try:
        spec = f"{local}@{domain.encode('idna').decode() if not domain.isascii() else domain}"
        return Address(display_name=" ".join(mime.clean(name).split())[:200], addr_spec=spec)
    except (HeaderParseError, ValueError, IndexError):
        raise Refused(
            f"{address!r:.100} is not an address that mail can be sent to.", unreachable=True
        ) from None


def _identifier(text: str) -> str:
    return text if re.fullmatch(r"<[!-;=?-~]{1,900}>", text) else ""


def _subject(message: Outbound) -> str:
    subject = " ".join(mime.clean(message.subject).split())[:500] or parts.preview(list(message.parts), 60)
    answers = bool(message.reply_to or message.thread)
    return f"Re: {subject}" if answers and not _ANSWERS.match(subject) else subject


def _words(part: Part) -> str:
    match part:
        case Text(text=text):
            return mime.clean(text).strip()
        case Template(text=text, name=name):
            return mime.clean(text or name).strip()
    if isinstance(part, MEDIA):
        return mime.clean(part.caption).strip()
    raise Refused(f"A mail can't carry {parts.kind_of(part)}.")


def _attach(mail: EmailMessage, content: Content, name: str) -> None:
    kind, _, ending = content.mime.partition("/")
    if not re.fullmatch(r"(?:text|image|audio|video|application)/[A-Za-z0-9.+-]{1,80}", content.mime):
        # Among them message/…, which may not be encoded as files are.
        kind, ending = "application", "octet-stream"
    mail.add_attachment(
        content.data,
        maintype=kind,
        subtype=ending,
        cte="base64",
        filename=mime.fit_name(name or content.name) or "file",
    )


def _settle(mail: EmailMessage, key: str) -> None:
    digest = sha256(key.encode("utf-8", "replace")).hexdigest()[:24]
    for index, part in enumerate(mail.walk()):
        if index:
            del part["MIME-Version"]  # the library writes it into every part; it belongs to the mail only
        if part.is_multipart():
            part.set_boundary(f"=_{digest}_{index}")
