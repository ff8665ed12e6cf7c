"""Lanes: order per person, crashes anywhere, transient trouble, poison."""

import asyncio
import contextlib
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from switchboard import flow
from switchboard.app.lanes import Lanes
from switchboard.app.runtime import Runtime
from switchboard.core import facts as f
from switchboard.core.facts import Claim, Inbound, MessageReceived, Reacted, Sender
from switchboard.core.ids import lane_of, new_id
from switchboard.db.pool import TRANSIENT, Database, Tx
from switchboard.ingest import commands as ingest
from tests.flow.conftest import Pipe

POISON = "poison"


async def drain(*lanes: Lanes) -> None:
    """Let every worker work until none finds anything."""
    while any(await asyncio.gather(*(one.step() for one in lanes))):
        pass


def poison(pipe: Pipe, nr: str = POISON, person: str = "alice") -> Reacted:
    """A fact that fails by itself: a reaction by nobody, in the lane of `person`."""
    return Reacted(
        account="main",
        dedupe_key=nr,
        external_id="x",
        sender=Sender([Claim("custom:main", person)]),
        emoji="👍",
    )


@pytest.fixture
def poisonous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reactions always fail, as a bug in a verb would make them."""

    async def fail(tx: Tx, items: Any) -> Any:
        raise ValueError("this fact can't be carried out")

    monkeypatch.setitem(flow.REACTIONS, Reacted, (fail,))


async def test_each_persons_order_is_kept_by_several_workers(pipe: Pipe, runtime: Runtime) -> None:
    people = [f"p{nr}" for nr in range(12)]
    workers = [Lanes(runtime) for _ in range(4)]
    stop = asyncio.Event()

    async def work(one: Lanes) -> None:
        while not stop.is_set():
            if not await one.step():
                await asyncio.sleep(0.002)

    tasks = [asyncio.create_task(work(one)) for one in workers]
    for nr in range(8):
        await asyncio.gather(*(pipe.accept(pipe.message(f"{nr}", who)) for who in people))
    stop.set()
    await asyncio.gather(*tasks)
    await drain(*workers)
    said: dict[Any, list[str]] = defaultdict(list)
    for conversation, _, _, text in await pipe.texts():
        said[conversation].append(text)
    assert list(said.values()) == [[str(nr) for nr in range(8)]] * 12


async def test_a_worker_killed_at_any_step_loses_nothing_and_files_nothing_twice(
    pipe: Pipe, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend is terminated just before the worker's n-th statement, for every n until one is past its work."""
    lanes = Lanes(runtime)
    for step in range(1, 100):
        who, killed = f"p{step}", asyncio.Event()
        both = Sender(
            [Claim("phone", who), Claim("custom:main", who), Claim("email", "a@example.com", False)]
        )
        await pipe.accept(pipe.message("1", nr=f"{step}.1", sender=both), pipe.message("2", f"other{step}"))
        await pipe.accept(pipe.message("3", nr=f"{step}.3", sender=both))
        with monkeypatch.context() as deadly:
            for name in ("rows", "row", "value", "run"):
                deadly.setattr(Tx, name, _mortal(getattr(Tx, name), pipe.db, step, killed))
            with contextlib.suppress(*TRANSIENT):
                await lanes.step()
        await drain(lanes)
        said = [text for *_, text in await pipe.texts()]
        assert [said.count(text) for text in "123"] == [step] * 3
        assert await pipe.sql("select 1 from fact") == []
        assert await pipe.only("select count(*) from event where type = 'message_filed'") == 3 * step
        if not killed.is_set():
            break
    assert step > 12, "every statement of a batch was tried"


def _mortal(method: Any, db: Database, step: int, killed: asyncio.Event) -> Any:
    async def wrapped(self: Tx, *args: Any, **values: Any) -> Any:
        if self.statements + 1 == step and not killed.is_set():
            async with db.connection() as other:
                await other.execute("select pg_terminate_backend($1)", self.connection.get_server_pid())
            killed.set()
        return await method(self, *args, **values)

    return wrapped


TROUBLE: list[Exception] = [
        asyncpg.DeadlockDetectedError("deadlock"), asyncpg.SerializationError("retry"), asyncpg.DiskFullError("no room"),
        asyncpg.QueryCanceledError("cancelled"), asyncpg.TooManyConnectionsError("full"), FileNotFoundError("no socket"),
        ConnectionRefusedError(), TimeoutError(), asyncpg.InvalidCachedStatementError("migrated"),
        asyncpg.ReadOnlySQLTransactionError("standby"), asyncpg.IdleInTransactionSessionTimeoutError("idle"),
]  # fmt: skip


async def test_trouble_of_the_database_parks_nothing(
    pipe: Pipe, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pipe.accept(pipe.message("patient"))
    lanes = Lanes(runtime)
    errors = iter(TROUBLE)

    async def fail(tx: Tx, items: Any) -> Any:
        raise next(errors)

    for error in TROUBLE:
        with monkeypatch.context() as trouble:
            trouble.setitem(flow.REACTIONS, MessageReceived, (fail,))
            with pytest.raises(type(error)):
                await lanes.step()
        assert await pipe.only("select count(*) from fact where parked_at is null and error is null") == 1
    await drain(lanes)
    assert len(await pipe.texts()) == 1


@pytest.mark.usefixtures("poisonous")
async def test_a_poisonous_fact_is_parked_and_its_neighbours_go_on(pipe: Pipe, runtime: Runtime) -> None:
    """Neighbours before and after it in the same lane, and in others."""
    await pipe.accept(
        pipe.message("before"), poison(pipe), pipe.message("after"), pipe.message("else", "bob")
    )
    await drain(Lanes(runtime))
    assert sorted(text for *_, text in await pipe.texts()) == ["after", "before", "else"]
    ((error,),) = await pipe.sql("select error from fact where parked_at is not null")
    assert error == "ValueError: this fact can't be carried out"


@pytest.mark.usefixtures("poisonous")
async def test_after_poison_the_order_of_its_lane_is_kept(pipe: Pipe, runtime: Runtime) -> None:
    """Several workers fall over the same batch at once; none overtakes another in one person's lane."""
    facts: list[Any] = []
    for nr in range(30):
        facts.append(pipe.message(str(nr), occurred_at=None))
        if nr % 7 == 3:
            facts.append(poison(pipe, f"poison{nr}"))
    await pipe.accept(*facts)
    await drain(*(Lanes(runtime) for _ in range(4)))
    assert [text for *_, text in await pipe.texts()] == [str(nr) for nr in range(30)]
    assert await pipe.only("select count(*) from fact where parked_at is not null") == 4


async def test_a_fact_that_is_not_the_first_of_its_lane_is_left_alone(pipe: Pipe) -> None:
    """The second of two is not carried out one by one while the first still waits."""
    await pipe.accept(pipe.message("first", nr="1"), pipe.message("second", nr="2"))
    async with pipe.db.transaction() as tx:
        first, second = await ingest.claim(tx, 1024, 10)
    async with pipe.db.transaction() as tx:
        assert not await ingest.claim_one(tx, second)
        assert await ingest.claim_one(tx, first)


async def test_what_cannot_be_decoded_is_parked_at_once(pipe: Pipe, runtime: Runtime) -> None:
    """A fact of another version stands before others in a lane."""
    await pipe.accept(pipe.message("old", nr="old"))
    await pipe.sql("update fact set body = jsonb_set(body, '{fact}', '\"from the future\"')")
    await pipe.accept(pipe.message("new", nr="new"))
    await drain(Lanes(runtime))
    assert [text for *_, text in await pipe.texts()] == ["new"]
    assert "can't be decoded" in await pipe.only("select error from fact where parked_at is not null")


async def test_a_claim_sees_what_the_last_holder_of_the_lane_did(pipe: Pipe) -> None:
    """Lock and claim are two statements: with one, the snapshot would be older than the lock and files twice."""
    await pipe.accept(pipe.message("once"))
    async with pipe.db.transaction() as tx:
        batch = await ingest.claim(tx, 1024, 10)
        assert len(batch) == 1
        async with pipe.db.transaction() as other:
            assert await ingest.claim(other, 1024, 10) == [], "the lane is held"
        assert tx.statements == 2
        await ingest.finish(tx, batch)
    async with pipe.db.transaction() as tx:
        assert await ingest.claim(tx, 1024, 10) == []


async def test_a_fact_carried_out_by_another_is_not_finished_twice(pipe: Pipe) -> None:
    await pipe.accept(pipe.message("once"))
    async with pipe.db.transaction() as tx:
        batch = await ingest.claim(tx, 1024, 10)
    await pipe.process()
    with pytest.raises(RuntimeError, match="twice"):
        async with pipe.db.transaction() as tx:
            await ingest.finish(tx, batch)


async def test_a_failing_claim_blames_nobody_and_does_not_spin(
    pipe: Pipe, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pipe.accept(pipe.message("x"))

    async def fail(*_: Any) -> Any:
        raise asyncpg.UndefinedTableError("relation does not exist")

    with monkeypatch.context() as trouble:
        trouble.setattr(ingest, "claim", fail)
        with pytest.raises(asyncpg.UndefinedTableError):
            await Lanes(runtime).step()


def test_facts_of_one_person_share_a_lane_and_rooms_have_their_own() -> None:
    person = Sender([Claim("custom", "alice")])
    base: dict[str, Any] = {"account": "main", "dedupe_key": "k"}
    message = MessageReceived(**base, external_id="1", sender=person, address="a", parts=[])
    keyed: list[Inbound] = [
        f.ReachChanged(**base, sender=person, reachable=False),
        f.Reacted(**base, external_id="1", sender=person, emoji="x"),
        f.EchoReceived(**base, external_id="1", customer=person, address="a", parts=[]),
        f.ReceiptReceived(**base, external_id="1", status="read", key="alice"),
        f.MessageEdited(**base, external_id="1", parts=[], key="alice"),
        f.IdentityChanged(**base, previous=person.claims[0], current=[]),
    ]
    assert {f.lane_key(one) for one in keyed} == {f.lane_key(message)} == {"alice"}
    assert (
        f.lane_key(
            MessageReceived(**base, external_id="1", sender=person, address="a", parts=[], slot="group:7")
        )
        == "group:7"
    )
    assert f.lane_key(f.ReceiptReceived(**base, external_id="9", status="read")) == "9"
    assert 0 <= lane_of(new_id(), "\ud800") < 1024
