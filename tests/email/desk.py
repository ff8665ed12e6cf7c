"""A mailbox on a real Dovecot, and a desk that stores what a session yields, for one test."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec

from switchboard.channels.api import MessageReceived, Polled
from switchboard.channels.email.channel import EmailChannel
from switchboard.channels.email.config import EmailConfig
from tests.email.peers import LoopbackIo
from tests.plugins.programs import Mailbox

SOON = 5.0


class Inbox:
    """A desk of our own for one test: the mailbox, what was stored of it, and the saved cursor."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.cursor = ""
        self.stored: list[Polled] = []
        self.seen: set[str] = set()
        self.count = 0

    def config(self, **changes: Any) -> EmailConfig:
        settings: dict[str, Any] = {
            "address": "Help@desk.example",
            "incoming_host": "imap.desk.example",
            "incoming_port": self.mailbox.imap_port,
            "incoming_security": "plain",
            "smtp_host": "smtp.desk.example",
            "smtp_security": "plain",
            "user": self.mailbox.user,
            "password": self.mailbox.password,
        }
        return msgspec.convert({**settings, **changes}, EmailConfig)

    def pop3(self, **changes: Any) -> EmailConfig:
        return self.config(incoming="pop3", incoming_port=self.mailbox.pop3_port, poll_seconds=1, **changes)

    def drop(self, subject: str, *, days_ago: float = 0, body: bytes = b"hello\r\n") -> None:
        """Deliver a mail as the local delivery agent does: written elsewhere, then moved into new/."""
        self.count += 1
        at = datetime.now(UTC) - timedelta(days=days_ago)
        header = (
            f"From: Ann <ann@customer.example>\r\nTo: help@desk.example\r\nSubject: {subject}\r\n"
            f"Date: {format_datetime(at)}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\n"
        )
        name = f"{int(at.timestamp())}.M{self.count}P{time.time_ns()}.desk"
        written = self.mailbox.maildir / "tmp" / name
        written.write_bytes(header.encode() + body)
        stamp = at.timestamp()
        os.utime(written, (stamp, stamp))
        written.rename(self.mailbox.maildir / "new" / name)

    async def load(self, account: str) -> str:
        assert account == "help@desk.example"
        return self.cursor

    def store(self, polled: Polled) -> None:
        """Do as ingest does: keep each fact once, and the cursor with it."""
        self.cursor = polled.cursor
        if any(fact.dedupe_key not in self.seen for fact in polled.facts):
            self.stored.append(polled)
        self.seen.update(fact.dedupe_key for fact in polled.facts)

    def subjects(self) -> list[str]:
        return [
            fact.subject
            for polled in self.stored
            for fact in polled.facts
            if isinstance(fact, MessageReceived)
        ]

    def backfilled(self) -> list[str]:
        return [
            fact.subject
            for polled in self.stored
            for fact in polled.facts
            if isinstance(fact, MessageReceived) and fact.backfill
        ]


def empty(maildir: Path) -> None:
    for folder in ("new", "cur"):
        for mail in (maildir / folder).iterdir():
            mail.unlink()


def renumber(maildir: Path) -> None:
    """Make Dovecot number the folder anew, as a restore from a backup or a move to another server does."""
    time.sleep(1.1)  # it takes the number from the clock, in seconds
    for index in maildir.glob("dovecot*"):
        if index.is_file():
            index.unlink()


async def holds(condition: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until something holds; fail when it does not in time."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


async def follow(
    inbox: Inbox, config: EmailConfig, until: Callable[[], bool], seconds: float = SOON
) -> LoopbackIo:
    """Run a session, storing what it yields, until something holds; then close it, which must be quick."""
    io = LoopbackIo()
    async with asyncio.timeout(seconds):
        async with aclosing(EmailChannel(config, io).session(inbox.load)) as session:
            async for account, polled in session:
                assert account == "help@desk.example"
                inbox.store(polled)
                if until():
                    break
    return io


def flags(inbox: Inbox) -> list[str]:
    """Return each mail's flags, as Dovecot writes them into the file names."""
    found = [path.name for folder in ("new", "cur") for path in (inbox.mailbox.maildir / folder).iterdir()]
    return [name.partition(":2,")[2] for name in found]
