"""Mail that comes in by IMAP, from a real Dovecot: announced, missed, renumbered, too large, unreadable."""

import asyncio
import imaplib
import threading
import time
from contextlib import aclosing

import pytest

from switchboard.channels.api import MessageReceived, Reauthorise, Retry
from switchboard.channels.email import imap, pop3
from switchboard.channels.email.channel import EmailChannel
from tests.email.desk import SOON, Inbox, flags, follow, holds, renumber
from tests.email.peers import LoopbackIo, closed_port, door
from tests.plugins.programs import Mailbox

WIRE = {"email": "Dovecot (IMAP, POP3) and aiosmtpd (SMTP)"}


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
    inbox.drop("moved here", days_ago=0.1)
    inbox.drop("three")
    await follow(inbox, inbox.config(), lambda: len(inbox.subjects()) == 4)
    assert sorted(inbox.subjects()) == ["moved here", "one", "three", "two"]
    assert sorted(inbox.backfilled()) == ["moved here", "one", "two"]
    old, new = imap.Cursor.read(before), imap.Cursor.read(inbox.cursor)
    assert old.uidvalidity != new.uidvalidity
    assert new.uid == 4


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


@pytest.mark.parametrize("saved", ["", "{}", "nonsense", "[]", '{"uid": "x"}', '{"seen": 5}'])
def test_a_cursor_that_makes_no_sense_starts_afresh(saved: str) -> None:
    assert imap.Cursor.read(saved) == imap.Cursor()
    assert pop3.Cursor.read(saved).seen is None


def test_the_mailbox_is_a_real_one(dovecot: Mailbox) -> None:
    client = imaplib.IMAP4(dovecot.host, dovecot.imap_port)
    assert b"Dovecot" in client.welcome
    client.logout()
