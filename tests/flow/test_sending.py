"""Real sends over HTTP on loopback: outcomes, order, takeover of leases, giving work back when a holder stops."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard.app.leases import Leases, fair_share
from switchboard.app.runtime import Runtime
from switchboard.app.sender import Pace, Sender
from switchboard.channels.custom.channel import CustomConfig
from switchboard.connections import commands as connections
from switchboard.core.ids import new_id
from tests.flow.conftest import Pipe

Behaviour = Callable[[dict[str, Any]], tuple[int, bytes] | None]


class Partner:
    """The other system: keeps what it is sent and answers as it is told; None means it hangs up without an answer."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.behaviour: Behaviour = lambda _: (200, b"{}")
        self.delay = 0.0
        partner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                (message,) = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))[
                    "messages"
                ]
                partner.got.append(message)
                time.sleep(partner.delay)
                said = partner.behaviour(message)
                if said is None:
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                self.send_response(said[0])
                self.send_header("content-length", str(len(said[1])))
                self.end_headers()
                self.wfile.write(said[1])

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """A client that is gone is part of these tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def texts(self) -> list[str]:
        """What arrived, each message once: a key that comes again is the same message."""
        return list({one["id"]: one["parts"][0]["text"] for one in self.got}.values())

    def times(self) -> Counter[str]:
        """How often each message arrived."""
        return Counter(one["id"] for one in self.got)

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def partner() -> Iterator[Partner]:
    made = Partner()
    yield made
    made.close()


async def connect(pipe: Pipe, runtime: Runtime, partner: Partner) -> UUID:
    """Give the connection credentials that lead to the partner."""
    config = CustomConfig(system_id="main", signing_secret="s" * 20, send_url=partner.url)
    sealed = runtime.sealer.seal(msgspec.json.encode(config), workspace=pipe.workspace, purpose="connection")
    connection = pipe.connections["main"]
    await pipe.sql(
        "update connection set config_sealed = $1, revision = revision + 1 where id = $2", sealed, connection
    )
    return connection


async def conversation(pipe: Pipe, person: str = "alice") -> UUID:
    await pipe.receive(pipe.message("hello", person))
    found: UUID = await pipe.only(
        "select conversation_id from message m join identity i on i.id = m.identity_id where i.value = $1",
        person,
    )
    return found


async def until(pipe: Pipe, condition: str, seconds: float = 15) -> None:
    """Wait until a statement finds true."""
    async with asyncio.timeout(seconds):
        while not await pipe.only(f"select {condition}"):  # noqa: ASYNC110 - the database says nothing by itself
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(*loops: Any) -> AsyncIterator[None]:
    """Let loops run; they are cancelled as at a shutdown."""
    tasks = [asyncio.create_task(one.run()) for one in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


ALL_SENT = "count(*) = count(*) filter (where status = 'sent') from outbound"


async def test_answers_arrive_in_order_once_and_are_written_down(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    connection = await connect(pipe, runtime, partner)
    alice, bob = await conversation(pipe), await conversation(pipe, "bob")
    for nr in range(4):
        await pipe.reply(alice, f"a{nr}")
        await pipe.reply(bob, f"b{nr}")
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)
    assert [text for text in partner.texts() if text[0] == "a"] == ["a0", "a1", "a2", "a3"]
    assert [text for text in partner.texts() if text[0] == "b"] == ["b0", "b1", "b2", "b3"]
    assert set(partner.times().values()) == {1}
    assert await pipe.only("select count(distinct external_id) from outbound") == 8


@pytest.mark.parametrize(
    ("answer", "status", "colour"),
    [((400, b'{"error": "no such room"}'), "failed", "grey"), ((401, b"{}"), "queued", "red"), ((503, b"{}"), "queued", "grey"),
     (None, "queued", "grey")],
    ids=["refused", "credentials", "trouble", "no answer"],
)  # fmt: skip
async def test_each_outcome_is_written_down_as_what_it_is(
    pipe: Pipe, runtime: Runtime, partner: Partner, answer: tuple[int, bytes] | None, status: str, colour: str
) -> None:
    """No answer is doubt; this platform knows our keys, so it is tried again rather than shown."""
    connection = await connect(pipe, runtime, partner)
    await pipe.reply(await conversation(pipe))
    partner.behaviour = lambda _: answer
    async with running(Sender(runtime, connection)):
        await until(pipe, f"status = '{status}' and attempts > 0 from outbound")
    assert await pipe.only("select status from connection") == colour
    if status == "failed":
        assert await pipe.only("select error from outbound") == "no such room"


async def test_what_was_tried_again_goes_out_with_the_same_key(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    connection = await connect(pipe, runtime, partner)
    alice = await conversation(pipe)
    await pipe.reply(alice, "1")
    await pipe.reply(alice, "2")
    answers: list[tuple[int, bytes] | None] = [(503, b""), None]
    partner.behaviour = lambda _: answers.pop(0) if answers else (200, b"{}")
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)
    assert partner.texts() == ["1", "2"]
    assert sorted(partner.times().values()) == [1, 3]


async def test_red_connections_send_nothing_until_they_are_repaired(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    connection = await connect(pipe, runtime, partner)
    await pipe.sql("update connection set status = 'red'")
    await pipe.reply(await conversation(pipe))
    async with running(Sender(runtime, connection)):
        await asyncio.sleep(0.4)
        assert partner.got == []
    await pipe.sql("update connection set status = 'green'")
    await runtime.connections._refresh()
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)


async def test_a_sender_that_stops_gives_back_what_it_has_not_begun(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    """The platform is paced; what waits for its turn goes to the next holder, not into doubt."""
    connection = await connect(pipe, runtime, partner)
    for nr in range(8):
        await pipe.reply(await conversation(pipe, f"p{nr}"), str(nr))
    sender = Sender(runtime, connection)
    sender._paces[pipe.channels["main"]] = Pace(2)
    async with running(sender):
        while not partner.got:  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.01)
    rows = Counter(row["status"] for row in await pipe.sql("select status from outbound"))
    assert set(rows) <= {"sent", "queued"}
    assert rows["queued"] >= 6
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)
    assert set(partner.times().values()) == {1}


async def test_a_claim_whose_commit_was_never_confirmed_is_not_stuck(
    pipe: Pipe, runtime: Runtime, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks right after the claim was committed: the piece says it is being sent, and nobody sends it."""
    connection = await connect(pipe, runtime, partner)
    await pipe.reply(await conversation(pipe))
    sender = Sender(runtime, connection)
    claim, broken = sender._claim, False

    async def breaking(limit: int) -> Any:
        nonlocal broken
        found = await claim(limit)
        if found and not broken:
            broken = True
            sender._in_hand.clear()
            raise ConnectionResetError("after the commit")
        return found

    monkeypatch.setattr(sender, "_claim", breaking)
    async with running(sender):
        await until(pipe, ALL_SENT)
    assert broken
    assert set(partner.times().values()) == {1}


async def test_a_sender_survives_a_database_that_is_away_at_its_start(
    pipe: Pipe, runtime: Runtime, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect(pipe, runtime, partner)
    await pipe.reply(await conversation(pipe))
    sender = Sender(runtime, connection)
    recover, times = sender._recover, 0

    async def failing() -> None:
        nonlocal times
        times += 1
        if times < 2:
            raise ConnectionRefusedError
        await recover()

    monkeypatch.setattr(sender, "_recover", failing)
    async with running(sender):
        await until(pipe, ALL_SENT)


@pytest.mark.parametrize(("before", "after"), [("grey", "green"), ("amber", "amber")])
async def test_a_send_proves_a_new_connection_and_says_nothing_of_trouble_elsewhere(
    pipe: Pipe, runtime: Runtime, partner: Partner, before: str, after: str
) -> None:
    """Amber is a webhook that is switched off, a rating, a token near its end: that sending works was never in question."""
    connection = await connect(pipe, runtime, partner)
    await pipe.sql("update connection set status = $1", before)
    await pipe.reply(await conversation(pipe))
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)
    assert await pipe.only("select status from connection") == after


async def test_a_colour_that_cannot_be_written_costs_no_outcome(
    pipe: Pipe, runtime: Runtime, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect(pipe, runtime, partner)
    await pipe.reply(await conversation(pipe))

    async def fail(*_: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr("switchboard.app.sender.connections.set_status", fail)
    async with running(Sender(runtime, connection)):
        await until(pipe, ALL_SENT)


# -- leases ----------------------------------------------------------------------------------------------------------


async def test_two_holders_on_one_database_send_each_piece_once(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    """Both run all the time; the first is stopped in the middle and the second takes over."""
    await connect(pipe, runtime, partner)
    partner.delay = 0.02
    second = Runtime(runtime.settings, runtime.dsn)
    await second.open()
    try:
        conversations = [await conversation(pipe, f"p{nr}") for nr in range(5)]
        for nr in range(6):
            for one in conversations:
                await pipe.reply(one, f"{conversations.index(one)}:{nr}")
        async with running(Leases(second)):
            async with running(Leases(runtime)):
                await until(pipe, "count(*) >= 8 from outbound where status = 'sent'")
            await until(pipe, ALL_SENT, 30)
    finally:
        await second.close()
    assert set(partner.times().values()) == {1}
    for nr in range(5):
        assert [text for text in partner.texts() if text.startswith(f"{nr}:")] == [
            f"{nr}:{at}" for at in range(6)
        ]


async def test_a_dead_holders_lease_is_taken_over_when_it_has_run_out(
    pipe: Pipe, runtime: Runtime, partner: Partner
) -> None:
    """The dead one had claimed something: this platform takes our key, so it is sent again."""
    connection = await connect(pipe, runtime, partner)
    await pipe.reply(await conversation(pipe))
    dead = new_id()
    await pipe.sql("insert into lease (workspace_id, connection_id, holder, expires_at) values ($1, $2, $3, now() + interval '1 second')",
                   pipe.workspace, connection, dead)  # fmt: skip
    await pipe.sql("update outbound set status = 'sending', batch_id = $1", new_id())
    async with running(Leases(runtime)):
        await asyncio.sleep(0.4)
        assert partner.got == [], "the lease is another's"
        await until(pipe, ALL_SENT)
    assert await pipe.only("select count(*) from lease") == 0, "given back at the end"


async def test_new_credentials_are_used_without_letting_the_lease_go(
    pipe: Pipe, runtime: Runtime, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard.app.leases.RENEW_SECONDS", 0.1)
    await connect(pipe, runtime, partner)
    leases = Leases(runtime)
    async with running(leases):
        await until(pipe, "count(*) = 1 from lease")
        first = next(iter(leases._held.values()))
        other = Partner()
        try:
            await connect(pipe, runtime, other)
            await runtime.connections._refresh()
            for _ in range(100):
                await asyncio.sleep(0.02)
                assert await pipe.only("select count(*) from lease") == 1
                if leases._held and next(iter(leases._held.values())) is not first:
                    break
            # Somebody may have been building the connection from what it was before; the watcher comes by every two seconds.
            await runtime.connections._refresh()
            await pipe.reply(await conversation(pipe))
            runtime.bus.hint("outbound")
            await until(pipe, ALL_SENT)
            assert len(other.got) == 1
        finally:
            other.close()


async def test_a_lease_is_one_holders_until_it_has_run_out(pipe: Pipe) -> None:
    """Whoever asks at the same moment, having seen the same free connections."""
    wanted = [(pipe.workspace, pipe.connections["main"])]
    holders = [new_id() for _ in range(4)]

    async def take(holder: UUID, seconds: int = 60) -> bool:
        async with pipe.db.transaction() as tx:
            return bool(await connections.take_leases(tx, holder, wanted, seconds))

    taken = await asyncio.gather(*(take(one) for one in holders))
    assert taken.count(True) == 1
    winner = holders[taken.index(True)]
    assert await take(winner), "renewed"
    others = [one for one in holders if one != winner]
    assert not await take(others[0])
    await pipe.sql("update lease set expires_at = now() - interval '1 second'")
    assert await take(others[0])
    assert not await take(winner)


def test_a_fair_share_reaches_for_what_is_free_and_gives_up_what_is_too_much() -> None:
    me, you = new_id(), new_id()
    live = [new_id() for _ in range(5)]
    assert fair_share(me, live, {}) == live
    held = dict(zip(live[:2], [you] * 2, strict=True)) | dict(zip(live[2:4], [me] * 2, strict=True))
    assert fair_share(me, live, held) == live[2:], (
        "the fifth is free: it is not overlooked behind those of others"
    )
    assert fair_share(you, live, held) == [*live[:2], live[4]]
    assert fair_share(me, live, dict.fromkeys(live, me)) == live
    assert len(fair_share(me, live, dict.fromkeys(live[:4], me) | {live[4]: you})) == 3
    assert fair_share(me, live, dict.fromkeys(live, you)) == []
    assert fair_share(me, [], {}) == []


async def test_sends_are_spread_evenly_within_the_platforms_rate() -> None:
    pace = Pace(50)
    began = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(11)))
    assert time.monotonic() - began >= 0.19
