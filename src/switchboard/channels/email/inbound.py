"""A mail's bytes become facts: who wrote, to which thread it belongs, what is in it. Pure."""

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from hashlib import sha256
from urllib.parse import unquote

from switchboard.channels.api import (
    Audio,
    BadPayload,
    Claim,
    Content,
    EchoReceived,
    File,
    Image,
    Inbound,
    MessageReceived,
    Part,
    Polled,
    Refused,
    Sender,
    Source,
    Text,
    Unreadable,
    Unsupported,
    Video,
)
from switchboard.channels.email import bounces, loop, mime, threads
from switchboard.channels.email.config import EmailConfig
from switchboard.channels.email.replies import fold
from switchboard.channels.email.trust import dmarc_passed
from switchboard.core import html

MAX_TEXT = 100_000
HTML = "html"
OVERSIZE = b"X-Switchboard-Oversize: "
"""First line of a mail of which only the header was fetched; followed by its size in bytes."""

_PICTURES = {
    "image/png", "image/jpeg", "image/pjpeg", "image/jpg", "image/gif", "image/webp", "image/bmp",
    "image/tiff", "image/heic", "image/heif", "image/avif",
}  # fmt: skip
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_CID = re.compile(r"""cid:([^"'\s<>)]{1,300})""", re.IGNORECASE)
_NAMED = (
    "auto-submitted", "precedence", "list-id", "list-post", "list-unsubscribe", "return-path",
    "x-auto-response-suppress", "x-autoreply", "x-autorespond",
)  # fmt: skip


def facts(raw: bytes, config: EmailConfig, *, backfill: bool = False) -> list[Inbound]:
    """Return what a mail tells; raises BadPayload when its header can't be read or names no sender."""
    own = config.address.lower()
    try:
        mail = mime.tree_of(raw)
        complaint = _fetched_without_body(raw)
    except mime.TooLarge as error:
        mail, complaint = mime.header_of(raw), f"This mail can't be shown: {error}."
    if not complaint and (found := bounces.receipts(mail, own)):
        return list(found)
    sender = _sender(mail, config)
    if complaint:
        parts: list[Part] = [Unsupported("mail", f"{complaint} It is still in the mailbox.")]
    else:
        parts = list(_parts(mail)) or [Text("")]
    external_id, key = _identity(mail, raw, sender.claims[0].value)
    recipients = mime.people(mail, "to", "cc", "delivered-to", "x-original-to", "envelope-to")
    thread = _thread(mail, [where for _, where in recipients], own)
    headers = {name: mime.raw_headers(mail, name) for name in _NAMED if name in mail}
    if sender.claims[0].value == own and (echo := _echo(mail, sender, own, external_id, key, parts, thread)):
        return [echo]
    reason = loop.automatic(headers, sender.claims[0].value, own, mail.get_content_type())
    return [
        MessageReceived(
            account=own,
            dedupe_key=key,
            occurred_at=mime.date_of(mail),
            external_id=external_id,
            sender=sender,
            address=_answer_to(mail, sender, own),
            parts=parts,
            subject=mime.header(mail, "subject")[:1000],
            reply_to=thread[-1] if thread else "",
            thread=thread,
            auto=bool(reason),
            backfill=backfill,
        )
    ]


def polled(raw: bytes, config: EmailConfig, cursor: str, *, backfill: bool = False) -> Polled:
    """Return a fetched mail and the cursor to save with it; one that can't be read is in nobody's way."""
    try:
        found = facts(raw, config, backfill=backfill)
    except BadPayload as error:
        key = f"unreadable:{sha256(raw).hexdigest()[:40]}"
        found = [Unreadable(account=config.address.lower(), dedupe_key=key, reason=str(error))]
    return Polled(found, cursor, raw=raw)


def _fetched_without_body(raw: bytes) -> str:
    if not raw.startswith(OVERSIZE):
        return ""
    size = raw[len(OVERSIZE) : len(OVERSIZE) + 20].split(b"\r\n")[0].strip()
    megabytes = int(size) / 1_000_000 if size.isdigit() else mime.MAX_BYTES / 1_000_000
    return f"This mail can't be shown: it has {megabytes:.0f} MB, more than {mime.MAX_BYTES // 1_000_000} MB."


def _sender(mail: Message, config: EmailConfig) -> Sender:
    """Return who the mail says it is from; verified only when our own mail server vouches for it."""
    authors = mime.people(mail, "from")
    name, address = next(
        iter(
            authors
            or mime.people(mail, "sender")
            or mime.people(mail, "reply-to")
            or mime.people(mail, "return-path")
        ),
        ("", ""),
    )
    if not address:
        raise BadPayload("the mail names no sender")
    results = mime.raw_headers(mail, "authentication-results")
    alone = len(authors) == 1 and len(mail.get_all("from") or ()) == 1
    verified = alone and dmarc_passed(results, config.trusted_authserv_id, address)
    return Sender([Claim("email", address, verified)], name=name if "@" not in name else "")


def _answer_to(mail: Message, sender: Sender, own: str) -> str:
    wanted = [where for _, where in mime.people(mail, "reply-to") if where != own]
    return wanted[0] if wanted else sender.claims[0].value


def _identity(mail: Message, raw: bytes, sender: str) -> tuple[str, str]:
    """Return (Message-ID or a stand-in, key of the mail: ids repeat and can be missing)."""
    body = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)
    digest = sha256(b"\0".join((sender.encode(), mime.header(mail, "date").encode(), body[-1].strip())))
    ids = mime.message_ids(mail, "message-id")
    external_id = ids[0] if ids else f"<{digest.hexdigest()[:40]}@without-id.invalid>"
    return external_id, f"mail:{external_id[:300]}:{digest.hexdigest()[:32]}"


def _thread(mail: Message, recipients: Sequence[str], own: str) -> list[str]:
    """Return the mail's ancestors, newest last."""
    ancestors = mime.message_ids(mail, "references")[-50:]
    answered = mime.message_ids(mail, "in-reply-to")[:3]
    named = threads.named_by_token(recipients, own)
    ids = [identifier for identifier in [*ancestors, named] if identifier and identifier not in answered]
    return list(dict.fromkeys([*ids, *answered]))


def _echo(
    mail: Message, sender: Sender, own: str, external_id: str, key: str, parts: list[Part], thread: list[str]
) -> EchoReceived | None:
    """Return what a colleague wrote from another mail program, where the server vouches for the sender."""
    customers = [(name, where) for name, where in mime.people(mail, "to", "cc") if where != own]
    if not customers or not sender.claims[0].verified:
        return None
    name, where = customers[0]
    return EchoReceived(
        account=own,
        dedupe_key=key,
        occurred_at=mime.date_of(mail),
        external_id=external_id,
        customer=Sender([Claim("email", where, verified=False)], name=name),
        address=where,
        parts=parts,
        reply_to=thread[-1] if thread else "",
        idempotency_key=threads.key_of(external_id, own),
    )


# -- content -------------------------------------------------------------------------------------------------


def _is_body(leaf: mime.Leaf) -> bool:
    return leaf.kind in ("text/plain", "text/html", "text") and not leaf.attached and not leaf.name


def _parts(mail: Message) -> Iterator[Part]:
    leaves = list(mime.leaves(mail))
    bodies = [leaf for leaf in leaves if _is_body(leaf)]
    texts = {leaf.path: leaf.text() for leaf in bodies}
    rich = [leaf for leaf in bodies if leaf.kind == "text/html"]
    # The plain version stands for the rich one beside it; a rich one alone is read out.
    plain_beside = any(
        leaf.kind != "text/html" and leaf.parent == "multipart/alternative" and texts[leaf.path].strip()
        for leaf in bodies
    )
    said = [
        html.text_of(texts[leaf.path]) if leaf.kind == "text/html" else texts[leaf.path].strip("\n")
        for leaf in bodies
        if leaf.kind != "text/html" or not plain_beside
    ]
    new, quoted = fold("\n\n".join(piece for piece in said if piece.strip()))
    if new or quoted or rich or len(leaves) == len(bodies):
        yield Text(new[:MAX_TEXT], quoted[:MAX_TEXT], html=Source(ref=HTML) if rich else None)
    if mail.get_content_type() in _ENCRYPTED:
        yield Unsupported(
            "encrypted mail", "The mail is encrypted: only the recipient's own program can read it."
        )
    wanted = {unquote(cid) for leaf in rich for cid in _CID.findall(texts[leaf.path])}
    for leaf in leaves:
        if leaf.kind.startswith("multipart/"):
            continue  # a container whose content could not be found: only its preamble is left
        if not _is_body(leaf):
            yield _media(leaf, leaf.content_id in wanted)
        elif len(texts[leaf.path]) > MAX_TEXT and leaf.kind != "text/html":
            yield File(
                source=Source(ref=f"part:{leaf.path}"),
                name="mail.txt",
                mime="text/plain",
                size=len(leaf.data()),
            )


def _media(leaf: mime.Leaf, inline: bool) -> Part:
    """Return the part that stands for a file. Archives stay what they are: nothing is ever unpacked here."""
    kind = mime.kind_by_name(leaf.kind, leaf.name)
    source, name = Source(ref=f"part:{leaf.path}"), _name(leaf)
    size = 0 if leaf.mail() is not None else len(leaf.data())
    if inline:
        return File(source=source, name=name, mime=kind, size=size, inline_id=leaf.content_id)
    if kind in _PICTURES:
        return Image(source=source, name=name, mime=kind, size=size)
    if kind.startswith("audio/"):
        return Audio(source=source, name=name, mime=kind, size=size)
    if kind.startswith("video/"):
        return Video(source=source, name=name, mime=kind, size=size)
    return File(source=source, name=name, mime=kind, size=size)


def _name(leaf: mime.Leaf) -> str:
    inner = leaf.mail() if leaf.kind in ("message/rfc822", "message/global") else None
    if inner is not None:
        return leaf.name or mime.fit_name(f"{mime.header(inner, 'subject')[:100] or 'mail'}.eml")
    return leaf.name or f"part-{leaf.path}{mime.ending(leaf.kind)}"


def extract(raw: bytes, sources: Sequence[Source]) -> list[Content | Refused]:
    """Return parts of a mail, or its HTML made harmless; the mail is taken apart once for all of them."""
    try:
        leaves = list(mime.leaves(mime.tree_of(raw)))
    except (mime.TooLarge, BadPayload) as error:
        return [Refused(f"The mail can't be taken apart: {error}.") for _ in sources]
    return [_page(leaves) if source.ref == HTML else _attachment(leaves, source.ref) for source in sources]


def _page(leaves: Sequence[mime.Leaf]) -> Content | Refused:
    pages = [leaf.text() for leaf in leaves if _is_body(leaf) and leaf.kind == "text/html"]
    if not pages:
        return Refused("This mail has no HTML.")
    return Content("mail.html", "text/html", "<hr>".join(map(html.sanitise, pages)).encode())


def _attachment(leaves: Sequence[mime.Leaf], ref: str) -> Content | Refused:
    leaf = next((one for one in leaves if ref == f"part:{one.path}"), None)
    if leaf is None:
        return Refused("This part is not in the mail.")
    inner = leaf.mail()
    data = leaf.data() if inner is None else mime.written(inner)
    return Content(_name(leaf), mime.kind_by_name(leaf.kind, leaf.name), data)
