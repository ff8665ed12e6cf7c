"""Cold start: `switchboard demo` in an empty directory, everything installed, until its first page is
there.

The page is there when `/` answers 200. Told besides: the second start in the same directory.
"""

import asyncio
import statistics

from tools.bench.installation import Installation
from tools.bench.numbers import Number
from tools.bench.processes import Failed, Served

COMMAND = "python -m tools.bench start"
ROUNDS = 3


async def measure(place: Installation) -> list[Number]:
    """Start the demo three times in an empty directory, each once more in the same."""
    cold, warm = [], []
    for nr in range(ROUNDS):
        cold.append(await _start(place, f"demo{nr}"))
        warm.append(await _start(place, f"demo{nr}"))
    facts: dict[str, float | int | str] = {
        "starts, s": ", ".join(f"{one:.2f}" for one in cold),
        "started again, s": ", ".join(f"{one:.2f}" for one in warm),
    }
    return [
        Number(
            key="start",
            what="cold start of the demo to its first page",
            value=statistics.median(cold),
            unit="s",
            bar=6,
            p50=statistics.median(cold),
            command=COMMAND,
            detail=facts,
        ),
        Number(
            key="start_again",
            what="second start of the demo to its first page",
            value=statistics.median(warm),
            unit="s",
            command=COMMAND,
        ),
    ]


async def _start(place: Installation, name: str) -> float:
    """Return the seconds from the start of the process to the first page."""
    served = Served({"SWITCHBOARD_DATA": str(place.data(name))}, place.directory / f"{name}.log", "demo")
    try:
        took = await served.until("/", 90)
        await served.until("/ready", 10)
        return took
    except Failed as error:
        raise Failed(f"The demo does not start: {error}") from None
    finally:
        await asyncio.to_thread(served.stop, 30)
