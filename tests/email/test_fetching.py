"""Mail that comes in, from a real Dovecot: announced, missed, renumbered, and by POP3."""

import asyncio
import imaplib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchboard.channels.api import MessageReceived, Polled, Reauthorise, Retry
from switchboard.channels.email import imap, pop3
from switchboard.channels.email.channel import EmailChannel
from switchboard.channels.email.config import EmailConfig
from tests.email.peers import LoopbackIo, closed_port, door
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


@pytest.fixture
def inbox(dovecot: Mailbox) -> Iterator[Inbox]:
    """An empty mailbox; whatever the test leaves is removed."""
    empty(dovecot.maildir)
    yield Inbox(dovecot)
    empty(dovecot.maildir)


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


async def test_idle_brings_a_mail_within_moments(inbox: Inbox) -> None:
    """And reading does not mark it as read."""
    following = asyncio.create_task(follow(inbox, inbox.config(), lambda: len(inbox.stored) == 2))
    await holds(lambda: bool(inbox.cursor))
    await asyncio.sleep(0.5)
    begin = time.monotonic()
    inbox.drop("first")
    await holds(lambda: bool(inbox.stored))
    assert time.monotonic() - begin < 3
    inbox.drop("second")
    io = await following
    assert inbox.subjects() == ["first", "second"]
    assert not inbox.backfilled()
    assert io.asked == [("imap.desk.example", inbox.mailbox.imap_port)]
    assert not list((inbox.mailbox.maildir / "cur").glob("*:2,*S*"))


async def test_idle_is_renewed(inbox: Inbox) -> None:
    """Nothing is lost when IDLE ends by its clock."""
    io = LoopbackIo()
    async with aclosing(imap.session(io, inbox.config(), inbox.load, idle_seconds=0.3)) as session:
        inbox.store((await anext(session))[1])
        coming = asyncio.ensure_future(anext(session))
        await asyncio.sleep(1)
        inbox.drop("after two renewals")
        async with asyncio.timeout(SOON):
            inbox.store((await coming)[1])
    assert inbox.subjects() == ["after two renewals"]


async def test_news_in_one_packet_with_the_answer_to_idle_is_seen(inbox: Inbox) -> None:
    """It is in the reader's buffer by then, and waiting for the socket would wait for the next mail."""

    async def to_client(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65536):
            if b"+ idling" in data and not inbox.count:
                inbox.drop("early")
                data += await there.read(65536)
                assert b"EXISTS" in data
            writer.write(data)
        writer.close()

    async with door(inbox.mailbox.imap_port, to_client=to_client) as between:
        await follow(inbox, inbox.config(incoming_port=between.port), lambda: bool(inbox.stored))
    assert inbox.subjects() == ["early"]


async def test_what_came_during_an_outage_is_fetched_and_is_not_history(inbox: Inbox) -> None:
    inbox.drop("old")
    await follow(inbox, inbox.config(), lambda: "old" in inbox.subjects())
    for number in range(3):
        inbox.drop(f"missed{number}")
    await follow(inbox, inbox.config(), lambda: len(inbox.subjects()) == 4)
    assert inbox.subjects() == ["old", "missed0", "missed1", "missed2"]
    assert inbox.backfilled() == ["old"]
    assert inbox.stored[-1].raw.startswith(b"From: Ann")


async def test_an_outage_before_the_first_mail_loses_nothing(inbox: Inbox) -> None:
    """The first connection saves where it stands, though there is nothing to fetch."""
    await follow(inbox, inbox.config(), lambda: bool(inbox.cursor))
    inbox.drop("while away")
    await follow(inbox, inbox.config(), lambda: bool(inbox.stored))
    assert inbox.subjects() == ["while away"]
    assert not inbox.backfilled()


async def test_the_first_connection_fetches_the_last_days_only(inbox: Inbox) -> None:
    inbox.drop("ten days", days_ago=10)
    inbox.drop("yesterday", days_ago=1)
    await follow(inbox, inbox.config(backfill_days=3), lambda: bool(inbox.stored))
    assert inbox.subjects() == inbox.backfilled() == ["yesterday"]
    inbox.cursor = ""
    inbox.seen.clear()
    inbox.stored.clear()
    await follow(inbox, inbox.config(backfill_days=0), lambda: bool(inbox.cursor))
    inbox.drop("new")
    await follow(inbox, inbox.config(backfill_days=0), lambda: bool(inbox.stored))
    assert inbox.subjects() == ["new"]


async def test_a_crash_before_storing_fetches_the_mail_again(inbox: Inbox) -> None:
    """The cursor is saved with the mail or not at all."""
    await follow(inbox, inbox.config(), lambda: bool(inbox.cursor))
    inbox.drop("twice")
    async with aclosing(imap.session(LoopbackIo(), inbox.config(after="delete"), inbox.load)) as session:
        assert not (await anext(session))[1].facts
        assert (await anext(session))[1].facts
    await follow(inbox, inbox.config(after="delete"), lambda: bool(inbox.stored))
    assert inbox.subjects() == ["twice"]


async def test_a_renumbered_folder_is_read_again_without_doubling(inbox: Inbox) -> None:
    """UIDVALIDITY: the UIDs start anew, the same mails are there, and one more."""
    inbox.drop("one")
    inbox.drop("two")
    await follow(inbox, inbox.config(), lambda: len(inbox.subjects()) == 2)
    before = inbox.cursor
    renumber(inbox.mailbox.maildir)
    inbox.drop("three")
    await follow(inbox, inbox.config(), lambda: "three" in inbox.subjects())
    assert inbox.subjects() == ["one", "two", "three"]
    assert inbox.backfilled() == ["one", "two"]
    old, new = imap.Cursor.read(before), imap.Cursor.read(inbox.cursor)
    assert old.uidvalidity != new.uidvalidity
    assert new.uid == 3


@pytest.mark.parametrize("after", ["seen", "delete"])
async def test_a_mail_is_marked_or_deleted_only_after_it_was_stored(inbox: Inbox, after: str) -> None:
    inbox.drop("handled")
    async with aclosing(EmailChannel(inbox.config(after=after), LoopbackIo()).session(inbox.load)) as session:
        async with asyncio.timeout(SOON):
            while not inbox.stored:
                inbox.store((await anext(session))[1])
            assert flags(inbox) == [""]
            waiting = asyncio.ensure_future(anext(session))
            await holds(lambda: flags(inbox) != [""])
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
    assert flags(inbox) == (["S"] if after == "seen" else [])


def flags(inbox: Inbox) -> list[str]:
    """Return each mail's flags, as Dovecot writes them into the file names."""
    found = [path.name for folder in ("new", "cur") for path in (inbox.mailbox.maildir / folder).iterdir()]
    return [name.partition(":2,")[2] for name in found]


async def test_letting_go_of_a_session_takes_less_than_a_second(inbox: Inbox) -> None:
    """While it waits in IDLE; neither connection nor thread stays behind."""

    async def endless() -> None:
        await follow(inbox, inbox.config(), lambda: False, seconds=60)

    following = asyncio.create_task(endless())
    await holds(lambda: bool(inbox.cursor))
    await asyncio.sleep(0.3)
    begin = time.monotonic()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert time.monotonic() - begin < 1
    await holds(lambda: not any(thread.name.startswith("mail") for thread in threading.enumerate()), 1)


async def test_a_mail_too_large_is_announced_and_stays(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.channels.email.mime.MAX_BYTES", 2_000_000)
    inbox.drop("huge", body=b"x" * 70 + b"\r\n" + b"y" * 2_500_000)
    inbox.drop("small")
    for config in (inbox.config(), inbox.pop3()):
        inbox.cursor = ""
        inbox.seen.clear()
        inbox.stored.clear()
        await follow(inbox, config, lambda: len(inbox.stored) == 2)
        fact = inbox.stored[0].facts[0]
        assert isinstance(fact, MessageReceived)
        assert "larger" in str(fact.parts) or "more than" in str(fact.parts)
        assert fact.subject == "huge"
        assert len(inbox.stored[0].raw) < 10_000


async def test_a_mail_that_cannot_be_read_blocks_nobody(inbox: Inbox) -> None:
    name = inbox.mailbox.maildir / "new" / "1780000000.broken.desk"
    name.write_bytes(b"Subject: from nobody\r\n\r\nx\r\n")
    inbox.drop("after it")
    await follow(inbox, inbox.config(backfill_days=365), lambda: "after it" in inbox.subjects())
    reasons = [getattr(fact, "reason", "") for polled in inbox.stored for fact in polled.facts]
    assert "the mail names no sender" in reasons


async def test_a_server_without_idle_is_asked_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dovecot with IDLE taken out of what it says of itself."""
    known = imap._Client.has_capability
    monkeypatch.setattr(
        imap._Client, "has_capability", lambda self, name: name != "IDLE" and known(self, name)
    )
    following = asyncio.create_task(follow(inbox, inbox.config(poll_seconds=1), lambda: bool(inbox.stored)))
    await holds(lambda: bool(inbox.cursor))
    inbox.drop("polled")
    await following
    assert inbox.subjects() == ["polled"]


async def test_a_wrong_password_asks_for_an_administrator(inbox: Inbox) -> None:
    for config in (inbox.config(password="wrong-password-1"), inbox.pop3(password="wrong-password-1")):
        with pytest.raises(Reauthorise, match=r"(?i)authentication failed") as failure:
            await follow(inbox, config, lambda: False)
        assert "wrong-password-1" not in str(failure.value)


async def test_a_server_that_is_away_is_tried_again(inbox: Inbox) -> None:
    with pytest.raises(Retry, match="can't be reached"):
        await follow(inbox, inbox.config(incoming_port=closed_port()), lambda: False)


async def test_a_connection_that_breaks_during_idle_is_told(inbox: Inbox) -> None:
    """The session ends with Retry; its owner opens the next one at the saved cursor."""
    async with door(inbox.mailbox.imap_port) as between:
        channel = EmailChannel(inbox.config(incoming_port=between.port), LoopbackIo())
        async with aclosing(channel.session(inbox.load)) as session:
            inbox.store((await anext(session))[1])
            waiting = asyncio.ensure_future(anext(session))
            await asyncio.sleep(0.5)
            between.slam()
            with pytest.raises(Retry, match="broke"):
                await asyncio.wait_for(waiting, SOON)


# -- POP3 ------------------------------------------------------------------------------------------------


async def test_pop3_fetches_each_mail_once_and_leaves_it(inbox: Inbox) -> None:
    inbox.drop("ten days", days_ago=10)
    inbox.drop("today")
    await follow(inbox, inbox.pop3(), lambda: bool(inbox.stored))
    assert inbox.subjects() == inbox.backfilled() == ["today"]
    inbox.drop("next")
    await follow(inbox, inbox.pop3(), lambda: len(inbox.stored) == 2)
    assert inbox.subjects() == ["today", "next"]
    assert inbox.backfilled() == ["today"]
    assert len(flags(inbox)) == 3


async def test_pop3_looks_again_by_itself(inbox: Inbox) -> None:
    following = asyncio.create_task(follow(inbox, inbox.pop3(), lambda: bool(inbox.stored)))
    await holds(lambda: bool(inbox.cursor))
    await asyncio.sleep(0.2)
    inbox.drop("later")
    await following
    assert inbox.subjects() == ["later"]


async def test_pop3_deletes_when_told_to(inbox: Inbox) -> None:
    inbox.drop("one")
    following = asyncio.create_task(follow(inbox, inbox.pop3(after="delete"), lambda: len(inbox.stored) == 2))
    await holds(lambda: not flags(inbox))
    inbox.drop("two")
    await following
    assert inbox.subjects() == ["one", "two"]


async def test_pop3_takes_lines_of_any_length(inbox: Inbox) -> None:
    inbox.drop("long", body=b"z" * 50_000 + b"\r\n")
    await follow(inbox, inbox.pop3(), lambda: bool(inbox.stored))
    assert len(inbox.stored[0].raw) > 50_000


def test_pop3_remembers_within_bounds() -> None:
    """Old entries fall out, and the mails they stood for do not come back."""
    listing = [(number, f"uidl-{number}") for number in range(1, pop3.MAX_SEEN + 2001)]
    cursor = pop3.Cursor([])
    for _, uidl in listing[:-3]:
        cursor = pop3.Cursor([*(cursor.seen or []), pop3.short(uidl)])
    cursor = pop3.Cursor((cursor.seen or [])[-pop3.MAX_SEEN :])
    assert len(cursor.plus("x").seen or []) == pop3.MAX_SEEN
    assert pop3.unread(listing, cursor) == listing[-3:]
    assert len(cursor.written()) < 100_000


@pytest.mark.parametrize("saved", ["", "{}", "nonsense", "[]", '{"uid": "x"}', '{"seen": 5}'])
def test_a_cursor_that_makes_no_sense_starts_afresh(saved: str) -> None:
    assert imap.Cursor.read(saved) == imap.Cursor()
    assert pop3.Cursor.read(saved).seen is None


def test_the_mailbox_is_a_real_one(dovecot: Mailbox) -> None:
    client = imaplib.IMAP4(dovecot.host, dovecot.imap_port)
    assert b"Dovecot" in client.welcome
    client.logout()
