"""Many sockets on one process: 1,500 agents and 10,000 visitors, idle; then something happens that all
agents see.

Agents are of the role `agent`, so that each is a class of viewers of their own, as in a real floor; a few
supervisors sit among them. Everybody follows all open conversations and the counters, as the page does. Two
kinds of events: a message in a conversation that is there already, and a new conversation, which is queued
and given to somebody besides.
"""

import asyncio
import statistics

import msgspec

from tools.bench import crowd
from tools.bench.installation import APP_SECRET, HOOK, SITE_KEY, WHATSAPP_NUMBER, Installation, found
from tools.bench.numbers import Number
from tools.bench.processes import Failed, Generator, Served, cpu_seconds, resident_bytes
from tools.bench.webhooks import batches, customer

COMMAND = "python -m tools.bench sockets"
AGENTS = 1500
SUPERVISORS = 20
VISITORS = 10_000
EVENTS = 7


class Sample(msgspec.Struct):
    """What events of one kind gave."""

    told: list[crowd.Told]
    cpu: float = 0
    """Seconds of CPU that the process spent on all of them and what followed."""

    @property
    def last(self) -> float:
        """Milliseconds from the post to the last agent's frame, the median of the events."""
        return statistics.median(one.last for one in self.told) * 1000

    def facts(self) -> dict[str, float | int | str]:
        """Describe the events."""
        return {
            "events": len(self.told),
            "first agent, ms": round(statistics.median(one.first for one in self.told) * 1000, 1),
            "median agent, ms": round(statistics.median(one.median for one in self.told) * 1000, 1),
            "slowest event, ms": round(max(one.last for one in self.told) * 1000, 1),
            "agents not told": sum(one.missing for one in self.told),
            "frames an event, with what follows": round(statistics.median(one.frames for one in self.told)),
            "Python CPU an event, with what follows, ms": round(self.cpu / len(self.told) * 1000),
        }


async def measure(place: Installation) -> list[Number]:
    """Connect everybody, weigh the process before and after, then let things happen."""
    dsn = await place.database("sockets")
    roles = ["supervisor"] * SUPERVISORS + ["agent"] * (AGENTS - SUPERVISORS)
    company = await found(dsn, place.data("sockets"), roles)
    async with place.serving("sockets", dsn) as served, Generator("tools.bench.crowd") as people:
        one = served[0]
        await _warm(people, one)
        empty = await _weigh(one)
        agents = await people.ask(crowd.Agents(one.port, [a.token for a in company.agents]), crowd.Opened)
        with_agents = await _weigh(one)
        visitors = await people.ask(crowd.Visitors(one.port, SITE_KEY, VISITORS), crowd.Opened, 300)
        full = await _weigh(one)
        if agents.lost or visitors.lost or agents.count < AGENTS or visitors.count < VISITORS:
            raise Failed(
                f"Sockets were lost: {agents.lost} of agents, {visitors.lost} of visitors. {one.last_words()}"
            )
        before = cpu_seconds(one.pid)
        await asyncio.sleep(5)
        idle = (cpu_seconds(one.pid) - before) / 5
        fresh, again = await _sample(people, one), await _sample(people, one)
    return _numbers(again, fresh, empty, with_agents, full, agents, visitors, idle)


async def _warm(people: Generator, one: Served) -> None:
    """Let the first requests of every kind pass before the process is weighed."""
    await _happen(people, one, 1)
    await people.ask(crowd.Visitors(one.port, SITE_KEY, 20), crowd.Opened)


async def _weigh(one: Served) -> int:
    await asyncio.sleep(3)
    return resident_bytes(one.pid)


async def _sample(people: Generator, one: Served) -> Sample:
    """Every person of this benchmark writes once: the first time a new conversation, then a message in it."""
    before = cpu_seconds(one.pid)
    told = [await _happen(people, one, 100 + nr) for nr in range(EVENTS)]
    return Sample(told, cpu_seconds(one.pid) - before)


async def _happen(people: Generator, one: Served, person: int) -> crowd.Told:
    """One message of a person; the frame waited for names them."""
    made, _ = batches(
        1,
        senders=1,
        first=900_000 + person,
        run=f"S{asyncio.get_running_loop().time():.6f}",
        address=f"127.0.0.1:{one.port}",
        hook=HOOK,
        number=WHATSAPP_NUMBER,
        secret=APP_SECRET,
        seed=person,
    )
    mark = f'"name":"{customer(900_000 + person)}"'
    return await people.ask(crowd.Event(one.port, made[0].request, mark), crowd.Told)


def _numbers(
    again: Sample,
    fresh: Sample,
    empty: int,
    with_agents: int,
    full: int,
    agents: crowd.Opened,
    visitors: crowd.Opened,
    idle: float,
) -> list[Number]:
    each_agent, each_visitor = (with_agents - empty) / agents.count, (full - with_agents) / VISITORS
    crowd_facts: dict[str, float | int | str] = {
        "agents": agents.count,
        "visitors": VISITORS,
        "an agent's socket, KiB": round(each_agent / 1024, 1),
        "a visitor's socket, KiB": round(each_visitor / 1024, 1),
        "process without sockets, MiB": round(empty / 2**20),
        "process with all, MiB": round(full / 2**20),
        "agents connected in, s": round(agents.seconds, 1),
        "visitors connected in, s": round(visitors.seconds, 1),
        "CPU while all are idle, cores": round(idle, 2),
    }
    where = f"{AGENTS:,} agents and {VISITORS:,} visitors on one process"
    return [
        Number(
            key="fanout",
            what=f"{where}: a message, webhook → last agent",
            value=again.last,
            unit="ms",
            bar=150,
            command=COMMAND,
            detail=again.facts(),
        ),
        Number(
            key="fanout_new",
            what=f"{where}: a new conversation, webhook → last agent",
            value=fresh.last,
            unit="ms",
            bar=150,
            command=COMMAND,
            detail=fresh.facts(),
        ),
        Number(
            key="socket_memory",
            what="memory an idle socket, all together",
            unit="KiB",
            bar=40,
            value=(full - empty) / (agents.count + VISITORS) / 1024,
            command=COMMAND,
            detail=crowd_facts,
        ),
    ]
