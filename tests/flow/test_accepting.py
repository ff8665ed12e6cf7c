"""Accept once, never lose: what was seen, who stands next to whom in a commit, what can't be kept as it came."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from switchboard.app.accept import LARGE, Acceptor
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import RawRequest
from switchboard.channels.registry import adapters
from switchboard.connections import reads as connection_reads
from switchboard.core.facts import Inbound, Typed, Unreadable
from switchboard.core.facts import Sender as Person
from switchboard.core.parts import Text
from switchboard.core.text import LONGEST_KEY, bounded, scrub_deep
from switchboard.db.pool import Database
from switchboard.ingest import commands as ingest
from tests.flow.conftest import NOW, Pipe


async def live_of(pipe: Pipe, name: str = "main") -> Live:
    """A connection as the door has it; its adapter is not asked for anything here."""
    async with pipe.db.transaction() as tx:
        row = await connection_reads.by_id(tx, pipe.connections[name])
    assert row is not None
    adapter = adapters()["custom"]
    return Live(row, adapter, None, {name: pipe.channels[name]})  # type: ignore[arg-type]  # no adapter needed


def request(body: bytes = b"{}", **headers: str) -> RawRequest:
    return RawRequest("POST", "http://localhost/hooks/x", {}, headers, body, datetime.now(UTC))


async def test_the_same_webhook_delivered_at_the_same_moment_by_many_is_one(
    pipe: Pipe, runtime: Runtime
) -> None:
    live, acceptor = await live_of(pipe), Acceptor(runtime)
    facts: list[Inbound] = [pipe.message("x", nr=str(nr)) for nr in range(5)]
    await asyncio.gather(
        *(acceptor.take(live, request(), [facts[nr % 5], facts[(nr * 3) % 5]]) for nr in range(60))
    )
    assert await pipe.only("select count(*) from fact") == 5
    assert await pipe.only("select count(*) from raw") == 60


async def test_a_key_of_one_connection_is_not_seen_on_another(pipe: Pipe) -> None:
    await pipe.connect("other")
    assert await pipe.accept(pipe.message("a", nr="1")) == 1
    assert await pipe.accept(pipe.message("a", nr="1", account="other"), connection="other") == 1


async def test_each_caller_of_a_common_commit_gets_its_own_answer(pipe: Pipe, runtime: Runtime) -> None:
    """A row that the database refuses fails its own request and no other."""
    live, acceptor = await live_of(pipe), Acceptor(runtime, flushers=1)
    good = [acceptor.take(live, request(), [pipe.message("fine", nr=f"g{nr}")]) for nr in range(6)]
    refused = msgspec.structs.replace(pipe.delivery([pipe.message("no")]), workspace_id=None)
    bad = acceptor.store(refused)
    answers = await asyncio.gather(*good[:3], bad, *good[3:], return_exceptions=True)
    assert [isinstance(one, asyncpg.PostgresError) for one in answers] == [False] * 3 + [True] + [False] * 3
    assert await pipe.only("select count(*) from fact") == 6


async def test_numbers_too_large_for_json_are_kept_as_text(pipe: Pipe) -> None:
    await pipe.accept(pipe.message("x", referral={"n": 10**30, "deep": [-(10**25)]}))
    assert await pipe.only("select body->'referral'->>'n' from fact") == str(10**30)


async def test_what_the_database_cannot_hold_is_replaced_and_kept(pipe: Pipe) -> None:
    strange = "a\x00b\ud800c"
    delivery = ingest.Delivery(
        workspace_id=pipe.workspace, connection_id=pipe.connections["main"], received_at=NOW, method="POST", url=f"/{strange}",
        headers={"x-note": strange}, body=b"\x00\xff", facts=[pipe.message(strange, nr=strange)],
        channels={"main": pipe.channels["main"]}, error=f"unreadable: {strange}",
    )  # fmt: skip
    async with pipe.db.transaction() as tx:
        assert await ingest.accept(tx, [delivery]) == 1
    await pipe.process()
    ((*_, text),) = await pipe.texts()
    assert text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert (await pipe.sql("select error from raw"))[0]["error"].startswith("unreadable: a")


async def test_keys_longer_than_we_keep_are_still_told_apart(pipe: Pipe) -> None:
    """Two mails whose Message-IDs differ only at their end."""
    long = "m" * 900
    assert await pipe.accept(pipe.message("one", nr=long + "1")) == 1
    assert await pipe.accept(pipe.message("two", nr=long + "2")) == 1
    await pipe.process()
    assert len(await pipe.texts()) == 2
    assert len(bounded(long)) == LONGEST_KEY
    assert bounded("short") == "short"


async def test_an_unknown_account_is_parked_and_goes_its_way_once_connected(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("for a number we don't know", account="second number"))
    assert await pipe.texts() == []
    ((fact, error),) = await pipe.sql("select id, error from fact where parked_at is not null")
    assert "second number" in error
    async with pipe.db.transaction() as tx:
        await ingest.replay(tx, pipe.workspace, fact, pipe.channels["main"])
    await pipe.process()
    assert len(await pipe.texts()) == 1


async def test_an_unreadable_item_is_shown_to_the_administrator_and_its_neighbours_pass(pipe: Pipe) -> None:
    bad = Unreadable(account="main", dedupe_key="u", reason="no sender", body="{}")
    await pipe.receive(pipe.message("before"), bad, pipe.message("after"))
    assert len(await pipe.texts()) == 2
    assert await pipe.only("select error from fact where parked_at is not null") == "no sender"


async def test_an_unreadable_body_is_kept_with_its_reason(pipe: Pipe, runtime: Runtime) -> None:
    await Acceptor(runtime).take(await live_of(pipe), request(b"\x00not json"), [], "the body is not JSON")
    ((body, error),) = await pipe.sql("select body, error from raw")
    assert (body, error) == (b"\x00not json", "the body is not JSON")


@pytest.mark.parametrize("size", [LARGE, LARGE + 1])
async def test_a_large_body_goes_to_a_file(pipe: Pipe, runtime: Runtime, size: int) -> None:
    body = b"x" * size
    await Acceptor(runtime).take(await live_of(pipe), request(body), [pipe.message("big")])
    ((stored, path),) = await pipe.sql("select body, body_path from raw")
    assert (stored is None) == (path is not None) == (size > LARGE)
    assert (await runtime.blobs.read(path) if path else stored) == body


async def test_typing_is_never_stored(pipe: Pipe, runtime: Runtime) -> None:
    heard: list[Any] = []
    runtime.bus.hear(heard.append)
    typed = Typed(account="main", dedupe_key="t", sender=Person([]))
    await Acceptor(runtime).take(await live_of(pipe), request(), [typed])
    assert await pipe.only("select count(*) from raw") == 0


async def test_a_caller_who_gives_up_costs_the_others_nothing(pipe: Pipe, runtime: Runtime) -> None:
    live, acceptor = await live_of(pipe), Acceptor(runtime, flushers=1)
    tasks = [
        asyncio.create_task(acceptor.take(live, request(), [pipe.message("m", nr=str(nr))]))
        for nr in range(10)
    ]
    await asyncio.sleep(0)
    tasks[4].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, asyncio.CancelledError) for one in answers) == 1
    assert await pipe.only("select count(*) from fact") >= 9


async def test_a_database_that_is_away_is_said_to_every_caller(
    pipe: Pipe, runtime: Runtime, db: Database
) -> None:
    live, acceptor = await live_of(pipe), Acceptor(runtime)
    await runtime.db.close()
    answers = await asyncio.gather(
        *(acceptor.take(live, request(), [pipe.message("m")]) for _ in range(4)), return_exceptions=True
    )
    assert all(isinstance(one, Exception) for one in answers)
    assert await pipe.only("select count(*) from fact") == 0


def test_parts_with_text_survive_scrubbing_by_value() -> None:
    assert scrub_deep({"a\x00": ["b\ud800", 3, None, {"c": "d"}]}) == {
        "a\N{REPLACEMENT CHARACTER}": ["b\N{REPLACEMENT CHARACTER}", 3, None, {"c": "d"}]
    }
    assert scrub_deep("plain") == "plain"
    assert Text("x").text == "x"
