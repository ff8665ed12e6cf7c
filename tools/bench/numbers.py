"""The numbers as values: what was measured, which bar it has to hold, how it is kept and shown."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number. `value` is in `unit`; without a bar it is told for information only."""

    key: str
    what: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = True
    """Whether the bar is an upper one."""
    p50: float | None = None
    p99: float | None = None
    command: str
    detail: dict[str, float | int | str] = {}
    at: str = ""
    """UTC time of the measurement, filled in by the report."""
    load: str = ""
    """The machine's load average around it."""

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None where there is none."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


class Report(msgspec.Struct):
    """The newest measurement of every number, and the machine it comes from."""

    machine: str = ""
    numbers: dict[str, Number] = {}

    def add(self, numbers: Sequence[Number], load: str) -> None:
        """Put new measurements in the place of older ones."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        for number in numbers:
            self.numbers[number.key] = msgspec.structs.replace(number, at=now, load=load)


def read(path: Path) -> Report:
    """Return the report kept at a path; an empty one when there is none or another version wrote it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (FileNotFoundError, msgspec.DecodeError):
        return Report()


def write(report: Report, folder: Path) -> Path:
    """Write `report.json` and `report.md`; return the path of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    page = folder / "report.md"
    page.write_text(markdown(report), encoding="utf-8")
    return page


def markdown(report: Report) -> str:
    """Render the report: the table, then what stands behind each number."""
    lines = [
        "# Numbers",
        "",
        "What `make bench` last measured, each number in one run of its own command. Ratios compare two",
        "things measured in turns on the same machine; times say as much about the machine as about us.",
        "",
        "What the pipe is compared with, and what speaks for either side, stands in `tools/bench/pipe.sql`.",
        "",
        f"Machine: {report.machine}.",
        "",
        "| what | value | p50 | p99 | bar | holds | command |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in report.numbers.values():
        cells = [one.what, shown(one.value, one.unit), shown(one.p50, one.unit), shown(one.p99, one.unit)]
        lines.append(f"| {' | '.join(cells)} | {bar(one)} | {verdict(one)} | `{one.command}` |")
    lines += ["", "## What stands behind them", ""]
    for one in report.numbers.values():
        facts = "; ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
            for name, value in one.detail.items()
        )
        lines.append(f"- **{one.what}** ({one.at} UTC, load {one.load}): {facts or 'nothing more'}.")
    return "\n".join(lines) + "\n"


def table(numbers: Sequence[Number]) -> str:
    """Render numbers for a terminal."""
    rows = [("what", "value", "bar", "holds", "command")]
    rows += [(one.what, shown(one.value, one.unit), bar(one), verdict(one), one.command) for one in numbers]
    widths = [max(len(row[nr]) for row in rows) for nr in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def shown(value: float | None, unit: str) -> str:
    """Write a value with as many digits as mean anything."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 or (not unit and value == int(value)) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def bar(one: Number) -> str:
    """Write the bar."""
    return "" if one.bar is None else f"{'≤' if one.at_most else '≥'} {shown(one.bar, one.unit)}"


def verdict(one: Number) -> str:
    """Write whether the bar holds."""
    return {None: "–", True: "yes", False: "no"}[one.holds]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of them lies (nearest rank); NaN for none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def machine() -> str:
    """Describe the machine: processor, cores, memory, system."""
    model, memory = "unknown processor", ""
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpuinfo.exists():
        model = next(
            (
                line.split(":", 1)[1].strip()
                for line in cpuinfo.read_text().splitlines()
                if line.startswith("model name")
            ),
            model,
        )
    if meminfo.exists():
        memory = f", {int(meminfo.read_text().split()[1]) / 1_048_576:.0f} GiB"
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores{memory}, {system}"


def load() -> str:
    """Return the load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"
