"""What the product's tables and the sandbox say after the storm; totals are added up again from parts."""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg

from switchboard.db.sql import parse
from tests.faults import compare
from tests.faults.compare import Finding
from tests.faults.installation import Installation
from tests.faults.ledger import Ledger

SQL = parse(Path(__file__).with_name("books.sql").read_text("utf-8"))
STILL = [query for query in SQL if query.name.startswith("still_")]
"""Each counts something that must be zero when everything is done."""
WRONG = [query for query in SQL if query.name.startswith("wrong_")]
"""Each must find nothing."""


async def quiet(house: Installation, patience: float) -> list[str]:
    """Wait until nothing is left to do; returns what still is when patience ends."""
    deadline = time.monotonic() + patience
    calm = 0
    while True:
        left = await _left(house)
        calm = 0 if left else calm + 1
        if calm >= 4:
            return []
        if time.monotonic() > deadline:
            return left
        await asyncio.sleep(0.4)


async def _left(house: Installation) -> list[str]:
    try:
        async with house.connection() as connection:
            found = [f"{await connection.fetchval(query.text)} {query.sentence}" for query in STILL]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return [f"the database is away: {error}"]
    waiting = (await house.sandbox("GET", "/sandbox/webhooks?limit=1"))["waiting"]
    return [one for one in (*found, f"{waiting} webhooks of the sandbox") if not one.startswith("0 ")]


async def audit(house: Installation, ledger: Ledger, received: list[dict[str, Any]]) -> list[Finding]:
    """Hold the product's tables, and what the sandbox received, against the ledger."""
    async with house.connection() as connection:
        timeline = [row["text"] for row in await connection.fetch(SQL.said.text, "in")]
        answers = [row["text"] for row in await connection.fetch(SQL.said.text, "out")]
        pieces = await connection.fetch(SQL.pieces.text)
        wrong = [
            Finding(query.sentence, 0, [row[0] for row in await connection.fetch(query.text)])
            for query in WRONG
        ]
    statuses = {row["text"]: row["status"] for row in pieces}
    stuck = [str(dict(row)) for row in pieces if row["status"] in ("queued", "sending")]
    reached = _once(received)
    return [
        compare.lost("messages: every acknowledged one is in the timeline", ledger.inbound, timeline),
        compare.doubled("messages: none twice in the timeline", timeline),
        compare.strangers("messages: none that nobody sent", timeline, ledger.posted),
        compare.disordered("messages: in each sender's order", ledger.said, timeline),
        compare.lost("answers: every acknowledged one is in the timeline", ledger.outbound, answers),
        compare.doubled("answers: none twice in the timeline", answers),
        compare.strangers("answers: none that nobody wrote", answers, ledger.written),
        Finding("answers: none still on its way", len(pieces), stuck),
        *compare.delivered(ledger.outbound, statuses, reached),
        compare.doubled("customers' phones: nothing twice", reached),
        compare.strangers("customers' phones: nothing that nobody wrote", reached, ledger.written),
        compare.disordered("customers' phones: in the order of the answers", ledger.answered, reached),
        *wrong,
    ]


def _once(received: list[dict[str, Any]]) -> list[str]:
    """Texts in order of arrival. A partner's system must know a repeated message by its id."""
    texts: list[str] = []
    seen: set[str] = set()
    for entry in received:
        if entry["platform"] == "custom":
            if entry["body"]["id"] in seen:
                continue
            seen.add(entry["body"]["id"])
        texts.append(entry["text"])
    return texts


async def received(house: Installation) -> list[dict[str, Any]]:
    """The sandbox's whole ledger."""
    items: list[dict[str, Any]] = []
    since = 0
    while True:
        page = await house.sandbox("GET", f"/sandbox/ledger?since={since}")
        assert page["dropped"] == 0, "the sandbox's ledger was too small"
        items += page["items"]
        if not page["items"]:
            return items
        since = page["next"]
