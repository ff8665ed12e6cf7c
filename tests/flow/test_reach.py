"""What hangs on a customer's act: reply windows, handles that platforms hand out once, watermarks, shared access tokens."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard import flow
from switchboard.app.runtime import Runtime
from switchboard.app.sender import handle_of
from switchboard.app.tokens import Tokens
from switchboard.channels.api import Retry, Token
from switchboard.channels.manifest import Window
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import commands as connections
from switchboard.core.facts import ReceiptReceived
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.db.pool import Database
from switchboard.delivery import commands as delivery
from switchboard.delivery.commands import Body, Ended, Piece
from switchboard.secrecy import Sealer
from tests.flow.conftest import NOW, Pipe


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The custom channel with a platform's rules: an hour's window, a minute after a click, a handle good for 50 seconds, once."""
    known = adapters()["custom"]
    facts = msgspec.structs.replace(
        known.manifest,
        windows=[Window(hours=1), Window(opened_by="menu_click", hours=1 / 60)],
        handle_seconds=50,
        handle_uses=1,
    )
    monkeypatch.setitem(adapters(), "custom", Adapter(facts, known.factory, known.folder))


async def bodies(pipe: Pipe) -> list[Body]:
    found = await pipe.only("select jsonb_agg(body order by nr)::text from outbound")
    return msgspec.json.decode(found, type=list[Body])


def test_only_a_handle_that_may_be_used_again_goes_with_a_second_attempt() -> None:
    body, some = Body([Text("x")], handle="token", handle_until=NOW + timedelta(seconds=50)), UUID(int=1)

    def sent(attempts: int, uses: int, seconds: int = 0) -> str:
        piece = Piece(some, some, some, 0, some, some, "ann", body, attempts, NOW)
        return handle_of(piece, uses, NOW + timedelta(seconds=seconds))

    assert [sent(1, 1), sent(2, 1), sent(2, 0), sent(1, 0, 50)] == ["token", "", "token", ""]


@pytest.mark.usefixtures("limited")
async def test_a_handle_goes_along_once(pipe: Pipe) -> None:
    """The first piece of the first answer has it; the next answer hasn't, until the customer writes again."""
    await pipe.receive(pipe.message("hello", reply_handle="token-1"), at=NOW)
    conversation: UUID = await pipe.only("select id from conversation")
    await pipe.reply(conversation)
    await pipe.reply(conversation)
    await pipe.receive(pipe.message("more", reply_handle="token-2"), at=NOW + timedelta(seconds=5))
    await pipe.reply(conversation)
    assert [one.handle for one in await bodies(pipe)] == ["token-1", "", "token-2"]
    assert (await bodies(pipe))[0].handle_until == NOW + timedelta(seconds=50)


@pytest.mark.usefixtures("limited")
async def test_every_act_opens_its_window(pipe: Pipe) -> None:
    """The last one to close counts; an act that opens nothing, and older history, change nothing."""
    await pipe.receive(pipe.message("hello"), at=NOW)
    conversation: UUID = await pipe.only("select id from conversation")
    await pipe.receive(pipe.message("menu", opens="menu_click"), at=NOW + timedelta(minutes=30))
    await pipe.receive(pipe.message("left", opens=""), at=NOW + timedelta(minutes=40))
    await pipe.receive(pipe.message("old", backfill=True), at=NOW + timedelta(minutes=41))
    await pipe.reply(conversation)
    (body,) = await bodies(pipe)
    assert body.free_until == NOW + timedelta(hours=1)
    opened = msgspec.json.decode(
        await pipe.only("select opened::text from conversation_channel"), type=dict[str, datetime]
    )
    assert opened == {"message": NOW, "menu_click": NOW + timedelta(minutes=30)}


@pytest.mark.usefixtures("limited")
async def test_history_opened_its_window_when_it_was_written(pipe: Pipe) -> None:
    written = NOW - timedelta(minutes=20)
    await pipe.receive(pipe.message("before we were connected", backfill=True, occurred_at=written), at=NOW)
    conversation: UUID = await pipe.only("select id from conversation")
    await pipe.reply(conversation)
    (body,) = await bodies(pipe)
    assert body.free_until == written + timedelta(hours=1)
    await pipe.receive(pipe.message("now"), at=NOW + timedelta(minutes=1))
    await pipe.receive(
        pipe.message("older still", backfill=True, occurred_at=written - timedelta(days=1)), at=NOW
    )
    opened = await pipe.only("select opened->>'message' from conversation_channel")
    assert datetime.fromisoformat(opened) == NOW + timedelta(minutes=1)


def watermark(status: str, up_to: datetime, address: str = "alice") -> ReceiptReceived:
    return ReceiptReceived(
        account="main", dedupe_key=f"w{new_id()}", external_id="", status=status, key=address, up_to=up_to
    )


async def test_a_watermark_lifts_all_before_it_and_nothing_else(pipe: Pipe) -> None:
    """Two messages to Alice before, one after, one to Bob: delivered, then read, then a late delivered."""
    await pipe.receive(pipe.message("hello", "alice"))
    await pipe.receive(pipe.message("hello", "bob"))
    ours: dict[str, UUID] = {}
    for name, person in (("one", "alice"), ("two", "alice"), ("three", "alice"), ("bobs", "bob")):
        conversation = await pipe.only(
            "select conversation_id from conversation_channel where address = $1", person
        )
        ours[name] = await pipe.reply(conversation)
        async with pipe.db.transaction() as tx:
            claimed = await delivery.claim(tx, pipe.connections["main"], new_id(), 64)
        async with pipe.db.transaction() as tx:
            await flow.run(
                tx, await delivery.record(tx, [Ended(piece, "sent", f"x-{name}") for piece in claimed])
            )
    for name, seconds in (("one", 0), ("two", 10), ("three", 60), ("bobs", 0)):
        await pipe.sql(
            "update outbound set first_tried_at = $2 where message_id = $1",
            ours[name],
            NOW + timedelta(seconds=seconds),
        )

    async def statuses() -> dict[str, Any]:
        return {
            name: await pipe.only("select status from outbound where message_id = $1", message)
            for name, message in ours.items()
        }

    await pipe.receive(watermark("delivered", NOW + timedelta(seconds=10)))
    assert await statuses() == {"one": "delivered", "two": "delivered", "three": "sent", "bobs": "sent"}
    await pipe.receive(
        watermark("read", NOW + timedelta(seconds=3)), watermark("delivered", NOW + timedelta(seconds=60))
    )
    assert await statuses() == {"one": "read", "two": "delivered", "three": "delivered", "bobs": "sent"}
    await pipe.receive(watermark("delivered", NOW + timedelta(seconds=99)))
    assert (await statuses())["one"] == "read"


async def test_processes_share_one_token(pipe: Pipe) -> None:
    """Many callers in two processes fetch once; a refused token is fetched once more; nobody reads it in the table."""
    sealer = Sealer([b"k" * 32])
    processes = [Tokens(pipe.db, sealer), Tokens(pipe.db, sealer)]
    fetched: list[str] = []

    async def fetch() -> Token:
        await asyncio.sleep(0.05)
        fetched.append(f"token-{len(fetched)}")
        return Token(fetched[-1], 7200)

    async def ask(nr: int, instead_of: str = "") -> str:
        return await processes[nr % 2].get(
            pipe.workspace, pipe.connections["main"], "access", fetch, instead_of
        )

    assert set(await asyncio.gather(*(ask(nr) for nr in range(8)))) == {"token-0"}
    assert set(await asyncio.gather(*(ask(nr, "token-0") for nr in range(8)))) == {"token-1"}
    assert fetched == ["token-0", "token-1"]
    assert b"token" not in await pipe.only("select sealed from access_token")
    await pipe.sql("update access_token set expires_at = now() - interval '1 second'")
    assert (
        await Tokens(pipe.db, sealer).get(pipe.workspace, pipe.connections["main"], "access", fetch)
        == "token-2"
    )


async def test_a_fetch_that_fails_leaves_nothing_behind(pipe: Pipe) -> None:
    """The next caller tries anew."""
    tokens = Tokens(pipe.db, Sealer([b"k" * 32]))

    async def broken() -> Token:
        raise ValueError("no")

    async def fetch() -> Token:
        return Token("good", 10)

    with pytest.raises(ValueError, match="no"):
        await tokens.get(pipe.workspace, pipe.connections["main"], "access", broken)
    assert await tokens.get(pipe.workspace, pipe.connections["main"], "access", fetch) == "good"


async def test_a_slow_fetch_keeps_one_database_connection(pipe: Pipe) -> None:
    """However many sends wait for the token, others still get at the database."""
    fetching, go = asyncio.Event(), asyncio.Event()

    async def slow() -> Token:
        fetching.set()
        await go.wait()
        return Token("good", 7200)

    db = Database(pipe.db.dsn, size=2)
    await db.open()
    try:
        tokens = Tokens(db, Sealer([b"k" * 32]))
        waiting = [
            asyncio.create_task(tokens.get(pipe.workspace, pipe.connections["main"], "access", slow))
            for _ in range(8)
        ]
        await fetching.wait()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2), db.transaction():
            go.set()
        assert await asyncio.gather(*waiting) == ["good"] * 8
    finally:
        await db.close()


async def test_slow_fetches_of_many_tokens_leave_room_in_the_pool(pipe: Pipe) -> None:
    """After an outage all tokens are over at once; those that need a second token for the first get both."""
    go = asyncio.Event()
    db = Database(pipe.db.dsn, size=3)
    await db.open()
    tokens = Tokens(db, Sealer([b"k" * 32]))

    async def ask(name: str) -> str:
        async def refresh() -> Token:
            return Token(f"refresh-{name}", 7200)

        async def slow() -> Token:
            await go.wait()
            kept = await tokens.get(pipe.workspace, pipe.connections["main"], f"refresh:{name}", refresh)
            return Token(f"access by {kept}", 7200)

        return await tokens.get(pipe.workspace, pipe.connections["main"], name, slow)

    try:
        waiting = [asyncio.create_task(ask(str(nr))) for nr in range(6)]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(2), db.transaction():
            go.set()
        async with asyncio.timeout(5):
            assert await asyncio.gather(*waiting) == [f"access by refresh-{nr}" for nr in range(6)]
    finally:
        await db.close()


async def test_a_token_that_the_database_keeps_back_leaves_no_send_in_doubt(pipe: Pipe) -> None:
    """Nothing has left yet, so it is surely tried again."""

    async def never() -> Token:
        raise AssertionError

    db = Database(pipe.db.dsn, size=1)
    await db.open()
    await db.close()
    with pytest.raises(Retry):
        await Tokens(db, Sealer([b"k" * 32])).get(pipe.workspace, pipe.connections["main"], "access", never)


async def test_changed_settings_forget_the_token_in_memory_too(pipe: Pipe, runtime: Runtime) -> None:
    """The row goes with the settings; a process that remembered would go on with the old account's token."""
    connection, fetched = pipe.connections["main"], iter(["old", "new"])

    async def fetch() -> Token:
        return Token(next(fetched), 7200)

    async def ask() -> str:
        return await runtime.tokens.get(pipe.workspace, connection, "access", fetch)

    async def seal() -> None:
        config = b'{"system_id": "main"}'
        sealed = runtime.sealer.seal(config, workspace=pipe.workspace, purpose="connection")
        async with pipe.db.transaction() as tx:
            await connections.update(tx, pipe.workspace, connection, None, sealed, None)

    await seal()
    assert await runtime.connections.by_id(connection) is not None
    assert [await ask(), await ask()] == ["old", "old"]
    await seal()
    await runtime.connections._refresh()
    assert await ask() == "new"
