"""Mail that comes in by POP3, from a real Dovecot."""

import asyncio

from switchboard.channels.email import pop3
from tests.email.desk import Inbox, flags, follow, holds


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
