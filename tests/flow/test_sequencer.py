"""The log: whatever order transactions commit in, followers see each event once and each conversation's in order."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.core.events import ConversationChanged, Event
from switchboard.core.ids import new_id
from switchboard.db import log
from switchboard.db.pool import Database, Tx
from tests.flow.conftest import Pipe

WORKSPACE = new_id()


def event(subject: UUID, what: str) -> Event:
    return ConversationChanged(workspace_id=WORKSPACE, subject=subject, what=what)


async def number(db: Database) -> int:
    async with db.transaction() as tx:
        return await log.number(tx)


async def seen(db: Database, after: int = 0) -> list[tuple[int, UUID, str]]:
    async with db.transaction() as tx:
        return [(one.pos, one.event.subject, one.event.what) for one in await log.read(tx, after)]  # type: ignore[union-attr]  # as made above


async def test_events_that_commit_late_are_numbered_late_and_never_skipped(db: Database) -> None:
    """The first writer commits last: its event has the lower id and must still be seen."""
    slow, fast = new_id(), new_id()
    async with db.transaction() as first:
        await log.append(first, [event(slow, "slow")])
        async with db.transaction() as second:
            await log.append(second, [event(fast, "fast")])
        assert await number(db) == 1
        assert [what for *_, what in await seen(db)] == ["fast"]
    assert await number(db) == 1
    assert [(pos, what) for pos, _, what in await seen(db)] == [(1, "fast"), (2, "slow")]


async def test_order_within_a_conversation_does_not_hang_on_clocks(db: Database, pipe: Pipe) -> None:
    """Two processes whose clocks differ write one after the other under the conversation's lock."""
    subject = new_id()
    for what, ahead in (("first", 5000), ("second", 0), ("third", 9000), ("fourth", 10)):
        async with db.transaction() as tx:
            await log.append(tx, [event(subject, what)])
        await pipe.sql("update event set id = $1 where pos is null and data->>'what' = $2",
                       new_id(1_700_000_000_000 + ahead), what)  # fmt: skip
    await number(db)
    assert [what for *_, what in await seen(db)] == ["first", "second", "third", "fourth"]


async def test_two_sequencers_at_once_give_no_position_twice(db: Database) -> None:
    async with db.transaction() as one:
        await log.append(one, [event(new_id(), str(nr)) for nr in range(50)])
    async with db.transaction() as holding:
        assert await log.number(holding, limit=20) == 20
        assert await number(db) == 0, "another sequencer is at work"
    await asyncio.gather(*(number(db) for _ in range(4)))
    await number(db)
    assert [pos for pos, *_ in await seen(db)] == list(range(1, 51))
    assert [what for *_, what in await seen(db)] == [str(nr) for nr in range(50)]


async def test_followers_beside_writers_and_sequencers_see_everything_once_and_in_order(db: Database) -> None:
    """Writers hold their conversation's lock as verbs do, wait at random, commit in any order."""
    conversations = [new_id() for _ in range(4)]
    locks = {one: asyncio.Lock() for one in conversations}
    counts = dict.fromkeys(conversations, 0)
    chance = random.Random(7)
    writing = True
    followed: list[tuple[int, UUID, str]] = []

    async def write(times: int) -> None:
        for _ in range(times):
            one = chance.choice(conversations)
            async with locks[one], db.transaction() as tx:
                counts[one] += 1
                await log.append(tx, [event(one, str(counts[one]))])
                await asyncio.sleep(chance.random() / 300)

    async def follow() -> None:
        while writing or await number(db):
            await number(db)
            async with db.transaction() as tx:
                at = await log.position(tx, "follower", lock=True)
                assert at is not None
                logged = await log.read(tx, at, limit=7)
                followed.extend((one.pos, one.event.subject, one.event.what) for one in logged)  # type: ignore[union-attr]  # as made above
                if logged:
                    await log.advance(tx, "follower", logged[-1].pos)
            await asyncio.sleep(0.001)

    async def sequence() -> None:
        while writing:
            await number(db)
            await asyncio.sleep(0.001)

    others = [asyncio.create_task(follow()), asyncio.create_task(sequence())]
    await asyncio.gather(*(write(30) for _ in range(5)))
    writing = False
    await asyncio.gather(*others)
    followed += await seen(db, followed[-1][0])
    assert [pos for pos, *_ in followed] == list(range(1, 151))
    for one in conversations:
        assert [what for _, subject, what in followed if subject == one] == [
            str(nr + 1) for nr in range(counts[one])
        ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["begin", "write", "commit", "roll back", "number", "follow"]), st.integers(0, 3)
        ),
        max_size=30,
    )
)
async def test_any_interleaving_of_writers_sequencer_and_follower(
    db: Database, steps: list[tuple[str, int]]
) -> None:
    """Transactions begin, write, commit or roll back in any order; the follower's view only grows at its end."""
    name = f"follower {new_id()}"
    async with db.transaction() as tx:
        await log.number(tx)
        start = await log.head(tx)
        await log.position(tx, name)
        await log.advance(tx, name, start)
    open_: dict[int, tuple[object, Tx, list[str]]] = {}
    committed: list[str] = []
    followed: list[str] = []
    wrote = 0

    async def follow() -> None:
        async with db.transaction() as tx:
            at = await log.position(tx, name, lock=True)
            assert at is not None
            logged = await log.read(tx, at, limit=3)
            followed.extend(one.event.what for one in logged)  # type: ignore[union-attr]  # as made above
            if logged:
                await log.advance(tx, name, logged[-1].pos)

    for what, who in steps:
        if what == "begin" and who not in open_:
            context = db.transaction()
            open_[who] = (context, await context.__aenter__(), [])
        elif what == "write" and who in open_:
            wrote += 1
            open_[who][2].append(str(wrote))
            await log.append(open_[who][1], [event(new_id(), str(wrote))])
        elif what in ("commit", "roll back") and who in open_:
            context_, _, said = open_.pop(who)
            error = None if what == "commit" else RuntimeError()
            try:
                await context_.__aexit__(type(error) if error else None, error, None)  # type: ignore[attr-defined]  # a context manager
            except RuntimeError:
                pass
            committed += said if error is None else []
        elif what == "number":
            await number(db)
        elif what == "follow":
            await follow()
    for context_, _, said in open_.values():
        await context_.__aexit__(None, None, None)  # type: ignore[attr-defined]  # a context manager
        committed += said
    await number(db)
    for _ in range(len(committed)):
        await follow()
    assert sorted(followed) == sorted(committed)


async def test_a_follower_held_by_one_process_is_left_by_the_others(db: Database) -> None:
    async with db.transaction() as tx:
        assert await log.position(tx, "inbox", lock=True) == 0
    async with db.transaction() as one, db.transaction() as other:
        assert await log.position(one, "inbox", lock=True) == 0
        assert await log.position(other, "inbox", lock=True) is None


async def test_a_followers_cursor_never_goes_back(db: Database) -> None:
    async with db.transaction() as tx:
        await log.position(tx, "inbox")
        await log.advance(tx, "inbox", 9)
        await log.advance(tx, "inbox", 4)
        assert await log.position(tx, "inbox") == 9


async def test_a_log_that_was_forgotten_goes_on_counting(db: Database, pipe: Pipe) -> None:
    """A quiet installation: everything is past its time; what comes next must not begin at 1 again."""
    async with db.transaction() as tx:
        await log.append(tx, [event(new_id(), str(nr)) for nr in range(5)])
    await number(db)
    async with db.transaction() as tx:
        await log.prune(tx, datetime.now(UTC) + timedelta(days=1))
    assert await pipe.only("select count(*) from event") == 1
    async with db.transaction() as tx:
        await log.append(tx, [event(new_id(), "next")])
    await number(db)
    assert [(pos, what) for pos, _, what in await seen(db, after=5)] == [(6, "next")]


async def test_events_that_are_not_numbered_yet_are_never_forgotten(db: Database, pipe: Pipe) -> None:
    async with db.transaction() as tx:
        await log.append(tx, [event(new_id(), "waits")])
        await log.prune(tx, datetime.now(UTC) + timedelta(days=1))
    assert await pipe.only("select count(*) from event") == 1
