"""What reading a webhook costs: every fixture of every kind, and a batch made from those that hold lists.

The sheets name no largest batch of items for webhooks, only what one may weigh; ten is more than any of their samples holds.
What is fetched comes in as many as we ask for.
"""

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchboard.channels.api import RawRequest
from switchboard.channels.contract_case import Case
from tools.bench.kinds import cases, request
from tools.bench.numbers import Number, percentile

COMMAND = "python -m tools.bench parse"
ROUNDS, TURNS = 30, 10
BATCH, FETCHED = 10, 40
BAR_MICROSECONDS = 500.0
URL = "https://desk.example/hooks/bench"


async def measure() -> list[Number]:
    """Parse everything many times; a kind's number is its slowest request."""
    return [_number(case) for case in cases()]


def _number(case: Case) -> Number:
    spent: dict[str, list[float]] = {}
    for name, asked in _requests(case):
        spent[name] = _spent(case, asked)
    slowest = max(spent, key=lambda name: percentile(spent[name], 0.5))
    return Number(
        key=f"parse_{case.kind}",
        what=f"{case.kind}: reading its slowest webhook ({slowest})",
        value=percentile(spent[slowest], 0.5),
        unit="µs",
        bar=BAR_MICROSECONDS,
        p50=percentile(spent[slowest], 0.5),
        p99=percentile(spent[slowest], 0.99),
        command=COMMAND,
        detail={
            "requests tried": len(spent),
            "facts": len(case.parser.parse(dict(_requests(case))[slowest])),
        },
    )


def _requests(case: Case) -> Iterator[tuple[str, RawRequest]]:
    for path in case.fixtures():
        body = path.read_bytes()
        asked = _asked(case, path, body)
        yield path.name, asked
        size = FETCHED if asked.method == "POLL" else BATCH
        if path.suffix == ".json" and (many := _batch(json.loads(body), case.items, size)):
            yield f"{path.name} × {size}", _asked(case, path, json.dumps(many).encode())


def _asked(case: Case, path: Path, body: bytes) -> RawRequest:
    """Return what the adapter reads; what it fetched itself carries no signature."""
    plain = case.request(body, path)
    return plain if plain.method == "POLL" else request(case, path, body, URL)


def _batch(document: Any, patterns: Any, size: int) -> Any:
    """Fill each list of items up to `size` with itself; nothing where the document holds none."""
    lists = [one for pattern in patterns for one in _lists(document, pattern.split(".")[:-1]) if one]
    if not lists or len(lists[0]) >= size:
        return None
    lists[0].extend(lists[0][nr % len(lists[0])] for nr in range(size - len(lists[0])))
    return document


def _lists(value: Any, steps: list[str]) -> Iterator[list[Any]]:
    if not steps:
        if isinstance(value, list):
            yield value
    elif steps[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _lists(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _lists(value[steps[0]], steps[1:])


def _spent(case: Case, asked: RawRequest) -> list[float]:
    """Return what one parse took, in µs, for each of ROUNDS rounds of TURNS."""
    parse = case.parser.parse
    parse(asked)
    found = []
    gc.disable()
    try:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            for _ in range(TURNS):
                parse(asked)
            found.append((time.perf_counter() - begun) / TURNS * 1e6)
    finally:
        gc.enable()
    return found
