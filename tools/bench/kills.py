"""kill -9: what the fault harness last found (`make faults`); nothing is killed here.

`tests/faults` writes `faults/report.json` into the data directory: `kills` is a list with one entry a kill,
`findings` one with an entry a check, each with `looked_at` (how many) and `wrong` (a line each).
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tools.bench.numbers import Number
from tools.bench.processes import Failed

KILLS = 50


class _Finding(msgspec.Struct):
    check: str
    looked_at: int
    wrong: list[str] = []


class _Report(msgspec.Struct):
    kills: list[msgspec.Raw]
    findings: list[_Finding]
    messages: int = 0
    answers: int = 0
    seed: int = 0


def read() -> list[Number]:
    """Return what the harness found; Failed when it never ran here."""
    path = Path(os.environ.get("SWITCHBOARD_DATA", "./var")).absolute() / "faults" / "report.json"
    try:
        report = msgspec.json.decode(path.read_bytes(), type=_Report)
    except FileNotFoundError:
        raise Failed("The fault harness has not run here; `make faults` does.") from None
    except msgspec.DecodeError as error:
        raise Failed(f"The fault harness left a report that can't be read: {error}.") from None
    wrong = [f"{one.check} ({len(one.wrong)})" for one in report.findings if one.wrong]
    kills = len(report.kills)
    if not kills:
        raise Failed("The fault harness last ran without a kill; `make faults` does 50.")
    facts: dict[str, float | int | str] = {
        "kills": kills,
        "messages": report.messages,
        "answers": report.answers,
        "checks": len(report.findings),
        "wrong": "; ".join(wrong) or "nothing",
        "seed": report.seed,
        "run at": datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    what = f"kill -9 under load, {kills} kills: lost, doubled or out of order"
    enough = kills >= KILLS  # fewer prove nothing: told, not judged
    return [
        Number(
            key="kills",
            what=what,
            value=sum(len(one.wrong) for one in report.findings),
            unit="",
            bar=0 if enough else None,
            command="make faults",
            detail=facts,
        )
    ]
