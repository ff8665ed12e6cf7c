"""How near to the platform's limit sends are paced: a WhatsApp number's queue is filled, then
emptied for a minute, and the sandbox enforces the limit.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from switchboard.channels.registry import adapters
from tools.bench.installation import (
    APP_SECRET,
    HOOK,
    KINDS,
    WHATSAPP_NUMBER,
    Company,
    Installation,
    connected,
    found,
)
from tools.bench.numbers import Number
from tools.bench.processes import Failed, Served

COMMAND = "python -m tools.bench pacing"
PEOPLE = 1000
WARM, SECONDS = 3, 60
BATCH = 250
WRITERS = 8


async def measure(place: Installation) -> list[Number]:
    """Let customers write once, write more answers than a minute can carry, and look at what arrived when."""
    limit = adapters()["whatsapp"].manifest.rate.per_second
    dsn = await place.database("pacing")
    company = await found(dsn, place.data("pacing"), ["supervisor"])
    async with _sandbox() as client:
        platform = {"SWITCHBOARD_BASE_URLS": f"whatsapp={client.base_url}"}
        platform["SWITCHBOARD_OUTBOUND_ALLOW"] = f"{client.base_url.host}:{client.base_url.port}"
        async with place.serving("pacing", dsn, environment=platform) as served:
            await _open(client, served[0], limit)
            await _written(dsn, PEOPLE)
        async with place.serving("pacing", dsn, "web", environment=platform) as served:
            await _fill(served[0], company, dsn, int(limit * (WARM + SECONDS + 4)))
        async with place.serving("pacing", dsn, "worker", environment=platform):
            sent = await _watch(client)
        async with connected(dsn) as connection:
            waiting = await connection.fetchval("select count(*) from outbound where status = 'queued'")
            again = await connection.fetchval(
                "select count(*) from outbound where attempts > 1 or code <> ''"
            )
    rate = sent / SECONDS
    return [
        Number(
            key="pacing",
            what=f"sends of one WhatsApp number for {SECONDS} s: distance from the platform's {limit:g}/s",
            value=abs(rate / limit - 1) * 100,
            unit="%",
            bar=2,
            command=COMMAND,
            detail={
                "sent": sent,
                "sends/s": round(rate, 2),
                "limit, sends/s": limit,
                "people": PEOPLE,
                "still waiting at the end": waiting,
            },
        ),
        Number(
            key="pacing_refused",
            what="of them refused or tried again because of a limit",
            value=float(again),
            unit="sends",
            bar=0,
            command=COMMAND,
        ),
    ]


@asynccontextmanager
async def _sandbox() -> AsyncIterator[httpx.AsyncClient]:
    words = [sys.executable, "-m", "switchboard.sandbox"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        ready: dict[str, Any] = msgspec.json.decode(await process.stdout.readline())
        async with httpx.AsyncClient(base_url=ready["url"], trust_env=False, timeout=30) as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    answer = await client.post(path, json=body)
    if not answer.is_success:
        raise Failed(f"{path} answered {answer.status_code}: {answer.text[:200]}")
    return answer.json()


async def _open(client: httpx.AsyncClient, served: Served, limit: float) -> None:
    """A number with the platform's limit, and everybody's first word."""
    number = {
        "id": WHATSAPP_NUMBER,
        "waba_id": KINDS["whatsapp"][2]["waba_id"],
        "token": KINDS["whatsapp"][2]["access_token"],
        "app_secret": APP_SECRET,
        "verify_token": KINDS["whatsapp"][2]["verify_token"],
        "webhook_url": f"{served.url}/hooks/{HOOK}",
        "receipts": "none",
        "rates": True,
        "per_second": limit,
    }
    await _post(client, "/sandbox/whatsapp/numbers", number)
    names = [f"p{nr}" for nr in range(PEOPLE)]
    for nr, name in enumerate(names):
        await _post(client, "/sandbox/customers", {"id": name, "name": name, "phone": f"86138{nr:08d}"})
    for begin in range(0, PEOPLE, BATCH):
        items = [{"customer": name, "text": "在吗？"} for name in names[begin : begin + BATCH]]
        whole = {"platform": "whatsapp", "account": WHATSAPP_NUMBER, "items": items}
        await _post(client, "/sandbox/play/batch", whole)


async def _written(dsn: str, count: int) -> None:
    """Wait until that many conversations are there."""
    async with connected(dsn) as connection:
        for _ in range(600):
            if await connection.fetchval("select count(*) from conversation") >= count:
                return
            await asyncio.sleep(0.1)
    raise Failed("The customers' first words were not filed within a minute.")


async def _fill(served: Served, company: Company, dsn: str, count: int) -> None:
    """Answer everybody in turn, over the API, while nothing is sent."""
    async with connected(dsn) as connection:
        ids = [row["id"] for row in await connection.fetch("select id from conversation")]
    headers = {"authorization": f"Bearer {company.agents[0].token}"}
    numbers = iter(range(count))
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=30) as client:

        async def write() -> None:
            for nr in numbers:
                path = f"/api/v1/conversations/{ids[nr % len(ids)]}/messages"
                await _post(client, path, {"parts": [{"type": "text", "text": f"您好，{nr}"}]})

        await asyncio.gather(*(write() for _ in range(WRITERS)))


async def _watch(client: httpx.AsyncClient) -> int:
    """Wait for the first sends and a little longer, then count what arrives in SECONDS."""
    for _ in range(600):
        first = (await client.get("/sandbox/ledger?limit=1")).json()["items"]
        if first:
            break
        await asyncio.sleep(0.1)
    else:
        raise Failed("Nothing was sent within a minute.")
    begin = float(first[0]["at"]) + WARM
    await asyncio.sleep(WARM + SECONDS + 1)
    items: list[dict[str, Any]] = []
    while page := (await client.get(f"/sandbox/ledger?since={items[-1]['seq'] if items else 0}")).json()[
        "items"
    ]:
        items += page
    return sum(begin <= one["at"] < begin + SECONDS for one in items)
