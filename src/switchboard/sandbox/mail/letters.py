"""Mail as bytes: what a customer writes, and what the phone shows of the product's mail."""

import re
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP, default
from email.utils import format_datetime, formataddr, make_msgid
from html import unescape
from typing import Any

from switchboard.sandbox.state import Bubble, Chat, Customer, Mail, Mailbox, Media, attachment
from switchboard.sandbox.world import World

Json = dict[str, Any]
MAILS_LIMIT = 2_000
TAGS = re.compile(r"<(script|style).*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)
BREAKS = re.compile(r"<br\s*/?>|</(p|div|tr|li|h\d)>", re.IGNORECASE)


def write(world: World, box: Mailbox, customer: Customer, chat: Chat, wish: Json) -> Bubble:
    """The customer writes to the mailbox; `raw_mail` gives the whole mail instead."""
    letter = _letter(world, box, customer, chat, wish)
    raw = str(wish["raw_mail"]).encode() if wish.get("raw_mail") else letter.as_bytes(policy=SMTP)
    deliver(box, raw)
    files = _files(world, wish)
    bubble = Bubble(
        id=str(letter["Message-ID"]),
        side="customer",
        kind="mail",
        at=world.clock.now(),
        title=str(letter["Subject"]),
        text=str(wish.get("text") or ""),
        reply_to=str(wish.get("reply_to") or ""),
        attachments=[attachment(m, "document") for m in files],
        raw={"references": str(letter["References"] or "")},
    )
    world.show(chat, bubble)
    return bubble


def deliver(box: Mailbox, raw: bytes) -> None:
    """Put a mail into the mailbox."""
    box.mails.append(Mail(uid=f"{box.next_uid:08d}", raw=raw))
    box.next_uid += 1
    del box.mails[:-MAILS_LIMIT]


def _letter(world: World, box: Mailbox, customer: Customer, chat: Chat, wish: Json) -> EmailMessage:
    letter = EmailMessage(policy=default)
    letter["From"] = formataddr((customer.name, customer.email))
    letter["To"] = formataddr((box.name, box.address)) if box.name else box.address
    letter["Date"] = format_datetime(datetime.fromtimestamp(world.clock.now(), UTC))
    letter["Message-ID"] = str(wish.get("id") or f"<{secrets.token_hex(10)}@customers.example>")
    source = chat.find(str(wish.get("reply_to") or "")) or _last(chat, wish)
    subject = str(wish.get("subject") or "")
    if source is not None:
        letter["In-Reply-To"] = source.id
        letter["References"] = f"{source.raw.get('references', '')} {source.id}".strip()
        subject = subject or _re(source.title)
    letter["Subject"] = subject or "(no subject)"
    for name, value in (wish.get("headers") or {}).items():
        letter[name] = str(value)
    letter.set_content(str(wish.get("text") or ""))
    if wish.get("html"):
        letter.add_alternative(str(wish["html"]), subtype="html")
    for media in _files(world, wish):
        major, _, minor = media.content_type.partition("/")
        letter.add_attachment(
            media.content, maintype=major, subtype=minor or "octet-stream", filename=media.name
        )
    return letter


def _last(chat: Chat, wish: Json) -> Bubble | None:
    """Without a subject of its own a mail goes on with the thread."""
    return chat.bubbles[-1] if chat.bubbles and not wish.get("subject") else None


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _files(world: World, wish: Json) -> list[Media]:
    keys = [*([wish["file"]] if wish.get("file") else []), *(wish.get("files") or [])]
    return [m for m in (world.state.media.get(str(k)) for k in keys) if m]


def read(world: World, raw: bytes, account: str) -> Bubble:
    """The product's mail as a bubble."""
    letter = BytesParser(policy=default).parsebytes(raw)
    plain, html = "", ""
    files = []
    for part in letter.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        content = part.get_payload(decode=True) or b""
        assert isinstance(content, bytes)
        if name or part.get_content_maintype() != "text":
            media = world.store.keep(
                account=account,
                name=name or "part",
                content_type=part.get_content_type(),
                content=content,
                now=world.clock.now(),
            )
            files.append(
                attachment(media, "image" if media.content_type.startswith("image/") else "document")
            )
        elif part.get_content_subtype() == "html":
            html = html or _decoded(part, content)
        else:
            plain = plain or _decoded(part, content)
    headers = {k.lower(): str(v) for k, v in letter.items()}
    return Bubble(
        id=headers.get("message-id", "").strip() or make_msgid(domain="sandbox.example"),
        side="business",
        kind="mail",
        at=world.clock.now(),
        title=headers.get("subject", ""),
        text=plain or text_of(html),
        attachments=files,
        reply_to=headers.get("in-reply-to", "").strip(),
        status="delivered",
        raw={"references": headers.get("references", ""), "headers": headers},
    )


def _decoded(part: Message, content: bytes) -> str:
    try:
        text = content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = content.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").strip()


def text_of(html: str) -> str:
    """HTML without its tags; the phone never shows markup."""
    return unescape(TAGS.sub("", BREAKS.sub("\n", html))).strip()
