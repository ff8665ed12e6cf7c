"""Kill every role and the database at random points, under load; hold the books against a ledger.

`SWITCHBOARD_FAULT_KILLS` sets the number of kills (default 6, about a minute; `make faults` takes 50),
`SWITCHBOARD_FAULT_SEED` the dice, `SWITCHBOARD_FAULT_KEEP` keeps the data directory. The report goes to
`faults/report.json` in SWITCHBOARD_DATA (default ./var).
"""

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults import books, compare
from tests.faults.compare import Finding
from tests.faults.installation import EVERYTHING, POSTMASTER, WEBS, WORKERS, Installation, connect, sign_in
from tests.faults.load import AGENTS, Load

KILLS = int(os.environ.get("SWITCHBOARD_FAULT_KILLS", "6"))
SEED = int(os.environ.get("SWITCHBOARD_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
REPORT = Path(os.environ.get("SWITCHBOARD_DATA", "./var")).absolute() / "faults" / "report.json"
STANDING = 0.85
"""How often a kill waits until everything is back from the last ones: what is down can lose nothing."""
RECOVERY_SECONDS = 30.0 if KILLS >= 20 else 5.0
BETWEEN = (0.2, 2.0)
"""Seconds until the next kill."""
FAULTS: list[dict[str, Any]] = [
    {"kind": "drop_after", "platform": "whatsapp", "after": 15, "times": 3},
    {"kind": "drop_before", "platform": "whatsapp", "after": 20, "times": 3},
    {"kind": "drop_after", "platform": "custom", "after": 3, "times": 2},
    {"kind": "error", "code": 130429, "platform": "whatsapp", "after": 40, "times": 3},
    {"kind": "http", "code": 503, "platform": "custom", "after": 6, "times": 2},
    {"kind": "latency", "seconds": 0.05, "times": -1},
]
"""Platforms are no better than networks: lost answers, refused calls, slow enough for a kill to hit many."""


@pytest.fixture
async def house() -> AsyncIterator[Installation]:
    data = Path(tempfile.mkdtemp(prefix="switchboard-faults-"))
    made = Installation(data, random.Random(SEED))
    try:
        await made.open()
        yield made
    finally:
        await made.close()
        if not os.environ.get("SWITCHBOARD_FAULT_KEEP"):
            shutil.rmtree(data, ignore_errors=True)


def plan(kills: int, dice: random.Random) -> list[str]:
    """Which target each time: all of them about equally often, everything at once now and then."""
    wholes = min(kills, max(1, kills // 12))
    single = [POSTMASTER, *WORKERS, *WEBS]
    targets = [single[nr % len(single)] for nr in range(kills - wholes)]
    dice.shuffle(targets)
    for _ in range(wholes):
        targets.insert(dice.randrange(len(targets) // 2, len(targets) + 1), EVERYTHING)
    return targets


@pytest.mark.timeout(240 + KILLS * 40)
async def test_nothing_is_lost_and_nothing_doubled(house: Installation) -> None:
    dice = random.Random(SEED)
    load = await _prepare(house, dice)
    begun = time.monotonic()
    hits: list[dict[str, Any]] = []
    try:
        await load.start()
        await asyncio.sleep(2)
        for target in plan(KILLS, dice):
            if dice.random() < STANDING:
                await house.late(RECOVERY_SECONDS)
            await asyncio.sleep(dice.uniform(*BETWEEN))
            hits.append(
                {"at": round(time.monotonic() - begun, 2), "target": target, "pids": house.kill(target)}
            )
        await asyncio.sleep(2)
        unheard = await load.finish(60)
        stopped = time.monotonic() - begun
        left = await books.quiet(house, 60 + KILLS)
        findings = [
            Finding("load: every request was acknowledged in the end", len(load.ledger.inbound), unheard),
            Finding("after the storm: nothing left to do", len(books.STILL) + 1, left),
        ]
        findings += await books.audit(house, load.ledger, await books.received(house))
        findings.append(await _shown(house, load))
    finally:
        await load.close()
    report = {
        "seed": SEED,
        "kills": hits,
        "ended_by_itself": {name: program.ended_by_itself for name, program in house.programs.items()},
        "answers_of_the_product": dict(sorted(load.ledger.statuses.items())),
        "seconds": {"load": round(stopped, 1), "all": round(time.monotonic() - begun, 1)},
        "messages": len(load.ledger.inbound),
        "answers": len(load.ledger.outbound),
        "findings": findings,
    }
    _write(report, findings)
    if not all(one.ok for one in findings):
        _keep_logs(house)
    assert [one.check for one in findings if not one.ok] == []


async def _prepare(house: Installation, dice: random.Random) -> Load:
    chief = await sign_in(house.webs[0], "chief")
    links = await connect(house, chief)
    await chief.aclose()
    for fault in FAULTS:
        await house.sandbox("POST", "/sandbox/faults", fault)
    load = Load(house, links, dice)
    for name in AGENTS:
        load.agents[name] = await house.hire(name)
        client = await sign_in(house.webs[1], name)
        load.tokens[name] = client.headers["Authorization"].removeprefix("Bearer ")
        await client.aclose()
    return load


async def _shown(house: Installation, load: Load) -> Finding:
    """What is in doubt or failed stands so in the timeline that agents read."""
    async with house.connection() as connection:
        rows = await connection.fetch(
            "select distinct on (message_id) conversation_id, message_id, status from outbound "
            "where status in ('in_doubt', 'failed') order by message_id"
        )
    wrong: list[str] = []
    chief = await sign_in(house.webs[1], "chief")
    for row in rows:
        path = f"/api/v1/conversations/{row['conversation_id']}/messages?limit=100"
        answer = await chief.get(path)
        items = answer.json()["items"]
        while answer.json()["next"] and not any(one["id"] == str(row["message_id"]) for one in items):
            answer = await chief.get(f"{path}&before={items[0]['position']}")
            items = answer.json()["items"]
        shown = next((one["status"] for one in items if one["id"] == str(row["message_id"])), "missing")
        if shown != row["status"]:
            wrong.append(f"{row['message_id']} is {row['status']}, shown as {shown}")
    await chief.aclose()
    return Finding("doubtful answers: shown so to the agent", len(rows), wrong)


def _write(report: dict[str, Any], findings: list[Finding]) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    kills = ", ".join(f"{one['at']}s {one['target']}" for one in report["kills"])
    print(f"\nseed {SEED}; {len(report['kills'])} kills: {kills}")
    print(
        f"{report['messages']} messages, {report['answers']} answers, "
        f"{report['seconds']['load']} s under load"
    )
    print(
        f"ended by themselves: {report['ended_by_itself']}; "
        f"answers of the product: {report['answers_of_the_product']}"
    )
    print(compare.table(findings))


def _keep_logs(house: Installation) -> None:
    """What the processes wrote is worth more than the data directory."""
    for path in (*house.data.glob("*.log"), house.server.log):
        shutil.copy(path, REPORT.parent / path.name)
