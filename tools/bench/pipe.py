"""Whole pipe: signed webhook → stored, resolved, filed, routed, in an agent's stream; and what it costs in
Python.

In turns with `pgbench`, which writes the same rows by hand (`pipe.sql`), on the same server, in a second
database with the same tables and indexes, the same number of messages from the same number of senders in
every round.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from switchboard.db.pool import Tx
from tools.bench.hand import Hand, pgbench, prepare
from tools.bench.installation import (
    APP_SECRET,
    HOOK,
    SQL,
    WHATSAPP_NUMBER,
    Company,
    Installation,
    connected,
    found,
    run,
)
from tools.bench.load import Fire, Outcome, Prepare
from tools.bench.numbers import Number, percentile
from tools.bench.processes import Failed, Generator, Served, busy_seconds, cpu_seconds

COMMAND = "python -m tools.bench pipe"
SENDERS = 2000
MESSAGES = 10_000
ROUNDS = 4
AGENTS = 16
LISTENERS = 2
WARM = 1500


class Side(msgspec.Struct):
    """One round of the product. CPU in seconds, until the last message was shown."""

    outcome: Outcome
    cpu: float
    """Of the product's processes."""
    database: float
    """Of PostgreSQL."""
    others: float
    """Of whatever else ran on the machine."""

    @property
    def rate(self) -> float:
        """Messages a second, from the first request to the last message shown."""
        return self.outcome.sent / self.outcome.shown_at


class Stage(msgspec.Struct):
    """A served installation with somebody who sends and listens."""

    dsn: str
    company: Company
    served: list[Served]
    generator: Generator
    place: Installation
    first: int = 0

    async def round(self, messages: int, senders: int, rate: float = 0, seconds: float = 60) -> Side:
        """Send one round of fresh senders and check that all of it arrived."""
        run_id = f"R{self.first:08d}"
        task = Prepare(
            self.served[0].port,
            [one.token for one in self.company.agents[:LISTENERS]],
            messages,
            senders,
            self.first,
            run_id,
            HOOK,
            WHATSAPP_NUMBER,
            APP_SECRET,
            seed=self.first + 1,
        )
        self.first += senders
        await self.generator.ask(task, bool)
        pids = [one.pid for one in self.served]
        before, database, busy = cpu_seconds(*pids), cpu_seconds(*self.place.backends()), busy_seconds()
        outcome = await self.generator.ask(Fire(rate, seconds), Outcome, seconds + 30)
        cpu, database = cpu_seconds(*pids) - before, cpu_seconds(*self.place.backends()) - database
        others = busy_seconds() - busy - cpu - database - outcome.cpu
        await self.check(outcome, run_id)
        return Side(outcome, cpu, database, max(others, 0.0))

    async def check(self, outcome: Outcome, run_id: str) -> None:
        """Compare what was sent with what is there: every id, once, in timelines without gaps."""
        async with connected(self.dsn) as connection:
            tx = Tx(connection)
            there = [row["external_id"] for row in await tx.rows(SQL.filed_since, prefix=f"wamid.{run_id}")]
            gaps = await tx.value(SQL.gaps)
        lost, foreign = len(set(outcome.ids) - set(there)), len(set(there) - set(outcome.ids))
        if (
            outcome.missing
            or outcome.refused
            or outcome.resyncs
            or lost
            or foreign
            or gaps
            or len(there) != len(set(there))
        ):
            raise Failed(
                f"The pipe is wrong: of {outcome.sent} messages {lost} are not filed, {foreign} strangers, "
                f"{len(there) - len(set(there))} doubled; {outcome.missing} not shown; {gaps} timelines have "
                f"gaps; {outcome.refused} requests refused; {outcome.resyncs} resynchronisations."
            )

    async def settle(self, seconds: float = 30) -> None:
        """Wait until nothing of the last round is left to do, indexing included."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            async with connected(self.dsn) as connection:
                row = await Tx(connection).row(SQL.left_over)
            if row is not None and not any(row.values()):
                return
            await asyncio.sleep(0.05)
        raise Failed(f"The pipe did not come to rest within {seconds:.0f} s.")


@asynccontextmanager
async def stage(place: Installation, name: str, *roles: str, agents: int = AGENTS) -> AsyncIterator[Stage]:
    """An installation with agents who have endless room, served and warm."""
    dsn = await place.database(name)
    company = await found(dsn, place.data(name), ["supervisor"] * agents)
    async with place.serving(name, dsn, *roles) as served, Generator("tools.bench.load") as generator:
        one = Stage(dsn, company, served, generator, place)
        await one.round(WARM, SENDERS // 4)
        await one.settle()
        yield one


class Turn(msgspec.Struct):
    """One round of both sides."""

    pipe: Side
    indexed: float
    """Messages a second until they could be searched, too."""
    hand: Hand
    hand_indexed: Hand


async def measure(place: Installation, *roles: str) -> list[Number]:
    """Run the rounds; one process for each of the roles named (default: one with all)."""
    other = await place.database("hand")
    people = await found(other, place.data("hand"), ["supervisor"] * AGENTS)
    await prepare(other)
    async with stage(place, "pipe", *roles) as pipe:
        await _by_hand(place, other, people, WARM, SENDERS // 4, 0)
        await run(other, "vacuum analyze")
        await run(pipe.dsn, "vacuum analyze")
        turns = [await _turn(place, pipe, other, people, nr) for nr in range(ROUNDS)]
    return _numbers(turns, roles)


async def _turn(place: Installation, pipe: Stage, other: str, people: Company, nr: int) -> Turn:
    """Both sides once, each beginning every other time, a checkpoint before each."""
    first = 1_000_000 * (nr + 1)
    hands: list[Hand] = []
    sides: list[tuple[Side, float]] = []

    async def ours() -> None:
        await run(pipe.dsn, "checkpoint")
        begun = time.perf_counter()
        side = await pipe.round(MESSAGES, SENDERS)
        # What the checks of `round` took is not the product's: it indexes meanwhile, so the rate is a floor.
        await pipe.settle()
        sides.append((side, MESSAGES / (time.perf_counter() - begun)))

    async def theirs() -> None:
        for search in (False, True):
            await run(other, "checkpoint")
            hands.append(
                await _by_hand(place, other, people, MESSAGES, SENDERS, first + search * SENDERS, search)
            )

    for one in (ours, theirs) if nr % 2 == 0 else (theirs, ours):
        await one()
    return Turn(sides[0][0], sides[0][1], hands[0], hands[1])


async def _by_hand(
    place: Installation,
    dsn: str,
    people: Company,
    messages: int,
    senders: int,
    first: int,
    search: bool = False,
) -> Hand:
    log = place.directory / "pgbench"
    return await pgbench(dsn, people, log, messages=messages, senders=senders, first=first, search=search)


def _numbers(turns: Sequence[Turn], roles: Sequence[str]) -> list[Number]:
    command = COMMAND + (" --split" if len(roles) > 1 else "")
    suffix = "_split" if len(roles) > 1 else ""
    processes = f", {len(roles)} processes" if len(roles) > 1 else ""
    cpu = [turn.pipe.cpu / turn.pipe.outcome.sent * 1e6 for turn in turns]
    return [
        Number(
            key=f"pipe{suffix}",
            what=f"whole pipe ÷ the same rows by hand (pgbench, 16 clients){processes}",
            value=statistics.median(turn.pipe.rate / turn.hand.rate for turn in turns),
            unit="×",
            bar=1.0,
            at_most=False,
            command=command,
            detail=_facts(turns),
        ),
        Number(
            key=f"pipe_rate{suffix}",
            what=f"whole pipe, flat out{processes}",
            value=statistics.median(turn.pipe.rate for turn in turns),
            unit="messages/s",
            command=command,
        ),
        Number(
            key=f"pipe_indexed{suffix}",
            what=f"the same until searchable ÷ by hand with its search document{processes}",
            value=statistics.median(turn.indexed / turn.hand_indexed.rate for turn in turns),
            unit="×",
            command=command,
        ),
        Number(
            key=f"cpu{suffix}",
            what=f"Python CPU a message, all processes{processes}",
            value=statistics.median(cpu),
            unit="µs",
            bar=200,
            p50=percentile(cpu, 0.5),
            p99=max(cpu),
            command=command,
            detail={"rounds": ", ".join(f"{one:.0f}" for one in cpu)},
        ),
    ]


def _facts(turns: Sequence[Turn]) -> dict[str, float | int | str]:
    sent = sum(turn.pipe.outcome.sent for turn in turns)
    acknowledged = [one * 1000 for turn in turns for one in turn.pipe.outcome.acknowledged]
    by_hand = [one for turn in turns for one in turn.hand.times]
    return {
        "messages": sent,
        "senders": SENDERS * len(turns),
        "rounds": ", ".join(f"{turn.pipe.rate / turn.hand.rate:.2f}" for turn in turns),
        "pipe, messages/s": round(statistics.median(turn.pipe.rate for turn in turns)),
        "by hand, messages/s": round(statistics.median(turn.hand.rate for turn in turns)),
        "acknowledged after, ms p50": round(percentile(acknowledged, 0.5), 1),
        "acknowledged after, ms p99": round(percentile(acknowledged, 0.99), 1),
        "by hand, ms p50": round(percentile(by_hand, 0.5), 1),
        "by hand, ms p99": round(percentile(by_hand, 0.99), 1),
        "database CPU, µs/message": round(sum(turn.pipe.database for turn in turns) / sent * 1e6),
        "load generator CPU, µs/message": round(sum(turn.pipe.outcome.cpu for turn in turns) / sent * 1e6),
        "pgbench's own CPU, µs/message": round(sum(turn.hand.cpu for turn in turns) / sent * 1e6),
        "CPU of others during the pipe's rounds, s": round(sum(turn.pipe.others for turn in turns), 1),
        "lost, doubled or out of place": 0,
    }
