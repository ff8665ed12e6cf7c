"""Run benchmarks, print the table, keep the report."""

import argparse
import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tools.bench import (
    accept,
    history,
    kills,
    latency,
    numbers,
    pacing,
    parse,
    pipe,
    reading,
    smpp,
    sockets,
    start,
)
from tools.bench.installation import Installation, installation
from tools.bench.numbers import Number
from tools.bench.processes import Failed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "numbers.md"
Bench = Callable[[Installation, argparse.Namespace, numbers.Report], Awaitable[list[Number]]]


async def _pipe(place: Installation, options: argparse.Namespace, _: numbers.Report) -> list[Number]:
    return await pipe.measure(place, *(("web", "worker") if options.split else ()))


async def _latency(place: Installation, options: argparse.Namespace, report: numbers.Report) -> list[Number]:
    return await latency.measure(place, report, *(("web", "worker") if options.split else ()))


async def _sockets(place: Installation, _: argparse.Namespace, __: numbers.Report) -> list[Number]:
    return await sockets.measure(place)


async def _inbox(place: Installation, options: argparse.Namespace, _: numbers.Report) -> list[Number]:
    return await reading.inbox(place, HISTORIES, options.full)


async def _search(place: Installation, options: argparse.Namespace, _: numbers.Report) -> list[Number]:
    return await reading.search(place, HISTORIES, options.full)


async def _start(place: Installation, _: argparse.Namespace, __: numbers.Report) -> list[Number]:
    return await start.measure(place)


async def _parse(_: Installation, __: argparse.Namespace, ___: numbers.Report) -> list[Number]:
    return await parse.measure()


async def _accept(place: Installation, _: argparse.Namespace, __: numbers.Report) -> list[Number]:
    return await accept.measure(place)


async def _pacing(place: Installation, _: argparse.Namespace, __: numbers.Report) -> list[Number]:
    return await pacing.measure(place)


async def _smpp(place: Installation, _: argparse.Namespace, __: numbers.Report) -> list[Number]:
    return await smpp.measure(place)


async def _kills(_: Installation, __: argparse.Namespace, ___: numbers.Report) -> list[Number]:
    return kills.read()


HISTORIES = history.Place()
BENCHES: dict[str, Bench] = {
    "pipe": _pipe,
    "latency": _latency,
    "sockets": _sockets,
    "inbox": _inbox,
    "search": _search,
    "start": _start,
    "parse": _parse,
    "accept": _accept,
    "pacing": _pacing,
    "smpp": _smpp,
    "kills": _kills,
}


def folder() -> Path:
    """Return where reports are kept."""
    return Path(os.environ.get("SWITCHBOARD_DATA", "./var")).absolute() / "bench"


async def main(options: argparse.Namespace) -> None:
    """Run what was asked for, one after another; what can't run says why and the rest go on."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    report = numbers.read(folder() / "report.json")
    report.machine = numbers.machine()
    measured: list[Number] = []
    async with installation(folder()) as place:
        for name in options.benches or BENCHES:
            begun, load = time.perf_counter(), numbers.load()
            say(f"{name} …")
            try:
                found = await BENCHES[name](place, options, report)
            except Exception as error:  # noqa: BLE001  # the other numbers are still wanted
                say(f"{name} could not be measured: {error if isinstance(error, Failed) else repr(error)}")
                continue
            report.add(found, f"{load} → {numbers.load()}")
            numbers.write(report, folder())
            measured += found
            say(f"{name} took {time.perf_counter() - begun:.0f} s")
    page = numbers.write(report, folder())
    print(f"\n{numbers.table(measured)}\n\nMachine: {report.machine}. The whole report is {page}.")
    if options.docs:
        PAGE.write_text(numbers.markdown(report), encoding="utf-8")
        print(f"Summary written to {PAGE}.")


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="Measure the numbers to hold.")
    parser.add_argument("benches", nargs="*", metavar="bench", help=f"{', '.join(BENCHES)}; none: all")
    parser.add_argument(
        "--full", action="store_true", help="1 M conversations and 10 M messages for inbox and search"
    )
    parser.add_argument(
        "--split", action="store_true", help="pipe and latency: a web and a worker process instead of one"
    )
    parser.add_argument(
        "--docs", action="store_true", help="write the summary page of the documentation, too"
    )
    found = parser.parse_args()
    if wrong := set(found.benches) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(wrong))}; there are {', '.join(BENCHES)}")
    return found


if __name__ == "__main__":
    try:
        asyncio.run(main(arguments()))
    except Failed as error:
        sys.exit(f"bench: {error}")
