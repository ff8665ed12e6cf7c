"""The e-mail channel: one mailbox, fetched by IMAP or POP3, answered by SMTP."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    BadPayload,
    BadSignature,
    Content,
    Inbound,
    Io,
    Outbound,
    Polled,
    RawRequest,
    Refused,
    Retry,
    Sent,
    Source,
)
from switchboard.channels.email import imap, inbound, mime, outbound, pop3, smtp
from switchboard.channels.email.config import EmailConfig


class EmailChannel:
    """A mailbox. `parse` reads the bytes of one mail, in a request with the method MAIL."""

    config_type: ClassVar[type[msgspec.Struct]] = EmailConfig

    def __init__(self, config: EmailConfig, io: Io) -> None:
        self.config = config
        self.io = io

    def verify(self, request: RawRequest) -> None:
        """Mail comes in by our own fetching only; nothing is accepted at a web address."""
        if request.method != "MAIL":
            raise BadSignature("mailboxes have no webhook")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one mail."""
        try:
            return inbound.facts(request.body, self.config)
        except RecursionError:
            raise BadPayload("the mail is nested too deeply") from None

    def session(self, load: Callable[[str], Awaitable[str]]) -> AsyncGenerator[tuple[str, Polled], None]:
        """Yield mails as they come; see `imap.session` and `pop3.session`."""
        fetch = imap.session if self.config.incoming == "imap" else pop3.session
        return fetch(self.io, self.config, load)

    def extract_media(self, raw: bytes, sources: Sequence[Source]) -> list[Content | Refused]:
        """Return attachments, or the mail's HTML made harmless."""
        return inbound.extract(raw, sources)

    async def send(self, message: Outbound) -> Sent:
        """Send one mail."""
        files = {
            part.file_id: await self.io.file(part.file_id)
            for part in outbound.files_of(message)
            if part.file_id is not None
        }
        mail = outbound.build(message, files, self.config, datetime.now(UTC))
        return await smtp.send(self.io, self.config, mail, mail["To"].addresses[0].addr_spec)

    async def probe(self) -> list[Account]:
        """Sign in at both servers."""
        if not mime.address(self.config.address):
            raise Refused(f"{self.config.address!r:.100} is not an e-mail address.")
        try:
            await (imap if self.config.incoming == "imap" else pop3).probe(self.io, self.config)
            await smtp.probe(self.io, self.config)
        except Retry as error:
            # An administrator waits for the answer: what passes by itself is told as it is now.
            raise Refused(str(error), code=error.code) from None
        address = self.config.address.lower()
        return [Account(address, self.config.display_name or address)]
