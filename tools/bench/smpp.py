"""How many short messages one bind carries: the bare connection, then the whole product with its queue and its database.

The SMSC is the sandbox's, on loopback, in a process of its own; its ledger tells whether each message came exactly once.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from switchboard.channels.registry import adapters
from switchboard.channels.sms_smpp import pdu
from switchboard.channels.sms_smpp.bind import Bind
from switchboard.channels.sms_smpp.config import SmppConfig
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.net.guard import Stream
from switchboard.secrecy import Sealer, keys_from_file
from tools.bench.installation import SQL, Company, Installation, connected, found
from tools.bench.numbers import Number
from tools.bench.processes import Failed, Served

COMMAND = "python -m tools.bench smpp"
KIND = "sms_smpp"
BAR = 500
ACCOUNT, NUMBER = "bench", "+4670011223344"
PEOPLE, MESSAGES = 1000, 2500
BARE, ROUNDS = 5000, 3
BATCH, WRITERS = 250, 8
LOOK_SECONDS = 0.1
WARM, COLD = 0.1, 0.9
"""Between these shares of the messages the time is taken: without the bind at the beginning and the stragglers at the end."""


class Smsc:
    """The sandbox's SMSC with one account."""

    def __init__(self, client: httpx.AsyncClient, address: Mapping[str, Any]) -> None:
        self.client = client
        self.address = f"{address['host']}:{address['port']}"
        self.config: dict[str, Any] = {}

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Call the control API."""
        answer = await self.client.post(path, json=body)
        if not answer.is_success:
            raise Failed(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    async def open(self) -> None:
        """Make the account and everybody who has a phone."""
        made = await self.post(f"/sandbox/platforms/{KIND}", {"id": ACCOUNT, "settings": {"numbers": NUMBER}})
        self.config = {
            name: made["settings"][name] for name in ("host", "port", "system_id", "password", "numbers")
        }
        for nr in range(PEOPLE):
            await self.post(
                "/sandbox/customers", {"id": f"p{nr}", "name": f"p{nr}", "phone": f"4670{nr:07d}"}
            )

    async def receipts(self, wanted: bool) -> None:
        """Send delivery receipts from now on, or none."""
        path = f"/sandbox/accounts/{ACCOUNT}"
        known = (await self.client.get(path)).json()["settings"]
        await self.client.patch(path, json={"settings": {**known, "receipts": wanted}})

    async def written(self) -> None:
        """Let everybody write once."""
        for begin in range(0, PEOPLE, BATCH):
            items = [{"customer": f"p{nr}", "text": "在吗？"} for nr in range(begin, begin + BATCH)]
            await self.post("/sandbox/play/batch", {"platform": KIND, "account": ACCOUNT, "items": items})

    async def arrived(self) -> Counter[str]:
        """Return the texts that the phones got, and forget them."""
        items: list[dict[str, Any]] = []
        while page := (
            await self.client.get(f"/sandbox/ledger?since={items[-1]['seq'] if items else 0}")
        ).json()["items"]:
            items += page
        await self.client.delete("/sandbox/ledger")
        return Counter(one["text"] for one in items)


@asynccontextmanager
async def smsc() -> AsyncIterator[Smsc]:
    """A sandbox for as long as it is needed."""
    words = [sys.executable, "-m", "switchboard.sandbox"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        ready: dict[str, Any] = msgspec.json.decode(await process.stdout.readline())
        async with httpx.AsyncClient(base_url=ready["url"], trust_env=False, timeout=30) as client:
            one = Smsc(client, ready["smpp"])
            await one.open()
            yield one
    finally:
        process.terminate()
        await process.wait()


async def measure(place: Installation) -> list[Number]:
    """Time the bare bind, then the product without receipts and with them."""
    async with smsc() as one:
        bare = await _bare(one)
        plain = await _product(place, one, receipts=False)
        told = await _product(place, one, receipts=True)
    config = msgspec.convert(one.config, SmppConfig)
    rate = adapters()[KIND].manifest.rate
    limits: dict[str, float | int | str] = {
        "window": config.window,
        "in flight at most": rate.in_flight,
        "paced at, messages/s": rate.per_second,
    }
    return [
        _number(
            "smpp_bind",
            "SMPP: submits answered on one bind, without the product",
            bare,
            {"window": config.window},
        ),
        _number(
            "smpp", "SMPP: sends of one bind, from the queue to the outcome in the database", plain, limits
        ),
        _number("smpp_receipts", "the same while a delivery receipt comes back for each", told, limits),
    ]


def _number(key: str, what: str, rates: list[float], limits: dict[str, float | int | str]) -> Number:
    rounds = ", ".join(f"{one:.0f}" for one in rates)
    return Number(
        key=key,
        what=what,
        value=statistics.median(rates),
        unit="messages/s",
        bar=BAR,
        at_most=False,
        command=COMMAND,
        detail={"rounds": rounds, "lost or doubled": 0, **limits},
    )


# -- the bare bind -----------------------------------------------------------------------------------------


class _Loopback:
    async def resolve(self, host: str, port: int) -> Stream:
        return Stream(host, port, host)


async def _bare(one: Smsc) -> list[float]:
    """Return messages per second of some rounds, each submit as soon as the window has room."""
    await one.receipts(False)
    config = msgspec.convert(one.config, SmppConfig)
    bind = await Bind.open(_Loopback(), config, "transmitter")  # type: ignore[arg-type]  # resolves, which is all it is asked for
    rates = []
    try:
        for turn in range(ROUNDS):
            messages = [
                pdu.Message(
                    source=pdu.Address(NUMBER[1:], 1, 1),
                    destination=pdu.Address(f"4670{nr % PEOPLE:07d}", 1, 1),
                    registered_delivery=1,
                    short_message=f"{turn} {nr}".encode(),
                )
                for nr in range(BARE)
            ]
            begun = time.perf_counter()
            await asyncio.gather(*(bind.submit(message) for message in messages))
            rates.append(BARE / (time.perf_counter() - begun))
            _all_once(await one.arrived(), [f"{turn} {nr}" for nr in range(BARE)])
    finally:
        await bind.close()
    return rates


# -- the product -------------------------------------------------------------------------------------------


async def _product(place: Installation, one: Smsc, *, receipts: bool) -> list[float]:
    """Return the sends per second of some rounds: queues are filled while nothing is sent, then emptied by a worker."""
    name = "smpp_receipts" if receipts else "smpp"
    dsn = await place.database(name)
    company = await found(dsn, place.data(name), ["supervisor"])
    await _connect(place, name, dsn, company, one.config)
    environment = {"SWITCHBOARD_OUTBOUND_ALLOW": one.address}
    await one.receipts(receipts)
    async with place.serving(name, dsn, environment=environment):
        await one.written()
        await _until(dsn, "select count(*) from conversation", PEOPLE)
    rates = []
    for turn in range(ROUNDS):
        texts = [f"{turn} 您好 {nr}" for nr in range(MESSAGES)]
        async with place.serving(name, dsn, "web", environment=environment) as served:
            await _fill(served[0], company, dsn, texts)
        async with place.serving(name, dsn, "worker", environment=environment):
            rates.append(await _watch(dsn, (turn + 1) * MESSAGES, turn * MESSAGES))
            wanted = "delivered" if receipts else "sent"
            await _until(
                dsn, f"select count(*) from outbound where status = '{wanted}'", (turn + 1) * MESSAGES
            )
        _all_once(await one.arrived(), texts)
    return rates


async def _connect(
    place: Installation, name: str, dsn: str, company: Company, config: dict[str, Any]
) -> None:
    sealer = Sealer(keys_from_file(place.data(name) / "secret.key"))
    sealed = sealer.seal(msgspec.json.encode(config), workspace=company.id, purpose="connection")
    connection = new_id()
    async with connected(dsn) as there, there.transaction():
        tx = Tx(there)
        await tx.run(
            SQL.add_connections,
            workspace=company.id,
            ids=[connection],
            kinds=[KIND],
            secrets=["s" * 32],
            sealed=[sealed],
        )
        await tx.run(
            SQL.add_channels,
            workspace=company.id,
            ids=[new_id()],
            connections=[connection],
            kinds=[KIND],
            externals=[NUMBER],
        )


async def _until(dsn: str, question: str, count: int) -> None:
    async with connected(dsn) as connection:
        seen = 0
        for _ in range(600):
            seen = await connection.fetchval(question)
            if seen >= count:
                return
            await asyncio.sleep(0.1)
    raise Failed(f"After a minute {question!r} finds {seen}, not {count}.")


async def _fill(served: Served, company: Company, dsn: str, texts: list[str]) -> None:
    """Answer everybody in turn, over the API."""
    async with connected(dsn) as connection:
        ids = [row["id"] for row in await connection.fetch("select id from conversation order by id")]
    headers = {"authorization": f"Bearer {company.agents[0].token}"}
    waiting = iter(enumerate(texts))
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=30) as client:

        async def write() -> None:
            for nr, text in waiting:
                path = f"/api/v1/conversations/{ids[nr % len(ids)]}/messages"
                answer = await client.post(path, json={"parts": [{"type": "text", "text": text}]})
                if not answer.is_success:
                    raise Failed(f"{path} answered {answer.status_code}: {answer.text[:200]}")

        await asyncio.gather(*(write() for _ in range(WRITERS)))


async def _watch(dsn: str, goal: int, before: int) -> float:
    """Return outcomes written down per second, from the WARMth to the COLDth of this round's."""
    seen: list[tuple[float, int]] = []
    share, done = goal - before, 0
    async with connected(dsn) as connection:
        for _ in range(int(60 / LOOK_SECONDS)):
            done = await connection.fetchval(
                "select count(*) from outbound where status not in ('queued', 'sending')"
            )
            seen.append((time.perf_counter(), done - before))
            if done >= goal:
                break
            await asyncio.sleep(LOOK_SECONDS)
        else:
            raise Failed(f"{done - before} of {share} messages were sent within a minute.")
    first = next(one for one in seen if one[1] >= share * WARM)
    last = next(one for one in seen if one[1] >= share * COLD)
    if last == first:
        raise Failed("All messages were sent between two looks; there are too few of them.")
    return (last[1] - first[1]) / (last[0] - first[0])


def _all_once(arrived: Counter[str], wanted: list[str]) -> None:
    if arrived != Counter(wanted):
        lost, more = len(Counter(wanted) - arrived), len(arrived - Counter(wanted))
        raise Failed(f"{lost} messages did not reach the phones, {more} did more than once.")
