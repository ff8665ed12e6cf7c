"""How soon a webhook is acknowledged: each kind in turn gets RATE a second, at times drawn beforehand.

The platforms give up after 0.7 to 5 seconds. The body and its facts are committed before the 200; a copy of a fixture gets an id of
its own where the id stands in the body as it is, else the same body comes again and again (an encrypted one, a mere nudge). Voice
skills are left out: their requests are held until an agent's answer comes.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from switchboard.channels.api import MessageReceived
from switchboard.channels.contract_case import Case
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.secrecy import Sealer, keys_from_file
from tools.bench.installation import SQL, Installation, connected, found
from tools.bench.kinds import cases, request, written
from tools.bench.numbers import Number, percentile
from tools.bench.processes import Failed, Served
from tools.bench.wire import Lane, open_lane

COMMAND = "python -m tools.bench accept"
RATE = 200
SECONDS = 10
LANES = 32
BAR_MS = 100.0


class Target(msgspec.Struct, frozen=True):
    """A kind with the secret path of its connection."""

    case: Case
    hook: str


async def measure(place: Installation) -> list[Number]:
    """Connect every kind, then time its acknowledgements one kind after the other."""
    dsn = await place.database("accept")
    company = await found(dsn, place.data("accept"), ["supervisor"])
    waiting = [case for case in cases() if "converse" not in case.manifest.does]
    targets = [Target(case, secrets.token_hex(16)) for case in waiting]
    sealer = Sealer(keys_from_file(place.data("accept") / "secret.key"))
    ids = [new_id() for _ in targets]
    async with connected(dsn) as connection, connection.transaction():
        tx = Tx(connection)
        await tx.run(
            SQL.add_connections,
            workspace=company.id,
            ids=ids,
            kinds=[one.case.kind for one in targets],
            secrets=[one.hook for one in targets],
            sealed=[
                sealer.seal(msgspec.json.encode(one.case.config), workspace=company.id, purpose="connection")
                for one in targets
            ],
        )
        await tx.run(
            SQL.add_channels,
            workspace=company.id,
            ids=[new_id() for _ in targets],
            connections=ids,
            kinds=[one.case.kind for one in targets],
            externals=[f"bench-{_account(one.case)}" for one in targets],
        )
    async with place.serving("accept", dsn) as served:
        return [await _kind(served[0], one) for one in targets]


def _account(case: Case) -> str:
    for path in case.fixtures():
        for fact in case.parser.parse(case.request(path.read_bytes(), path)):
            return fact.account
    return case.kind


async def _kind(served: Served, target: Target) -> Number:
    requests = _requests(target, served)
    first = next(requests)
    lanes = [await open_lane(served.port) for _ in range(LANES)]
    status, body = await lanes[0].ask(first)
    if status != 200:
        raise Failed(f"{target.case.kind}: a signed fixture is answered {status} {body[:200]!r}.")
    spent, refused = await _fire(lanes, [next(requests) for _ in range(RATE * SECONDS)])
    for lane in lanes:
        assert lane.transport is not None
        lane.transport.close()
    ms = [one * 1000 for one in spent]
    return Number(
        key=f"accept_{target.case.kind}",
        what=f"{target.case.kind}: webhook until its 200, {RATE}/s, 99th percentile",
        value=percentile(ms, 0.99),
        unit="ms",
        bar=BAR_MS,
        p50=percentile(ms, 0.5),
        p99=percentile(ms, 0.99),
        command=COMMAND,
        detail={
            "requests": len(ms),
            "each with a new message": "yes" if _message(target.case)[1] else "no",
            "not answered 200": refused,
            "longest, ms": round(max(ms), 1),
        },
    )


def _requests(target: Target, served: Served) -> Iterator[bytes]:
    """Yield signed requests without end, with new message ids where that can be done."""
    case = target.case
    path, known = _message(case)
    url, place, host = (
        f"{served.url}/hooks/{target.hook}",
        f"/hooks/{target.hook}",
        f"127.0.0.1:{served.port}",
    )
    body = path.read_bytes()
    while True:
        fresh = "".join(secrets.choice("0123456789") for _ in known)
        changed = body.replace(known.encode(), fresh.encode()) if known else body
        yield written(request(case, path, changed, url), place, host)


def _message(case: Case) -> tuple[Path, str]:
    """Choose a fixture with one message whose id stands in the body; without such a one the first, and no id."""
    for path in case.fixtures():
        body = path.read_bytes()
        facts = case.parser.parse(case.request(body, path))
        if len(facts) == 1 and isinstance(facts[0], MessageReceived):
            for known in _ids(facts[0]):
                if body.count(known.encode()) == 1:
                    return path, known
    return case.fixtures()[0], ""


def _ids(fact: MessageReceived) -> Iterator[str]:
    """Yield what may be the platform's own id of a message: as told, or the last part of a compound one."""
    yield from (word for word in (fact.external_id, fact.external_id.rpartition(":")[2]) if len(word) > 5)


async def _fire(lanes: list[Lane], requests: list[bytes]) -> tuple[list[float], int]:
    """Send each at its time, whatever the answers; return seconds from due to answered, and how many were not 200."""
    spent: list[float] = []
    refused = 0
    free: asyncio.Queue[Lane] = asyncio.Queue()
    for lane in lanes:
        free.put_nowait(lane)
    begun = time.perf_counter()

    async def one(nr: int, asked: bytes) -> None:
        nonlocal refused
        due = begun + nr / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        lane = await free.get()
        status, _ = await lane.ask(asked)
        spent.append(time.perf_counter() - due)
        refused += status != 200
        free.put_nowait(lane)

    await asyncio.gather(*(one(nr, asked) for nr, asked in enumerate(requests)))
    return spent, refused
