"""Latency: from the moment a webhook is due to the frame on an agent's socket, at a quarter of the pipe's
rate.

Requests come at random times drawn beforehand, whatever the answers (an open loop), and each one's clock
starts when it was due, not when it could be sent: a stall is felt by all whom it makes wait.
"""

from tools.bench.installation import Installation, run
from tools.bench.numbers import Number, Report, percentile
from tools.bench.pipe import AGENTS, LISTENERS, SENDERS, stage

COMMAND = "python -m tools.bench pipe latency"
SECONDS = 20
UNKNOWN_RATE = 2000


async def measure(place: Installation, report: Report, *roles: str) -> list[Number]:
    """Send for 20 seconds at a quarter of the rate last measured."""
    suffix, split = ("_split", f", {len(roles)} processes") if len(roles) > 1 else ("", "")
    last = report.numbers.get(f"pipe_rate{suffix}")
    rate = (last.value if last is not None else UNKNOWN_RATE) / 4
    async with stage(place, "latency", *roles) as pipe:
        await run(pipe.dsn, "vacuum analyze", "checkpoint")
        side = await pipe.round(int(rate * SECONDS), SENDERS, rate, SECONDS * 3)
    shown = [one * 1000 for one in side.outcome.shown]
    acknowledged = [one * 1000 for one in side.outcome.acknowledged]
    halves = percentile(shown, 0.5), percentile(shown, 0.99)
    facts: dict[str, float | int | str] = {
        "messages": side.outcome.sent,
        "messages/s": round(rate),
        "agents online": AGENTS,
        "of them with a socket on all open conversations": LISTENERS,
        "processes": len(roles) or 1,
        "longest, ms": round(max(shown), 1),
        "acknowledged after, ms p50": round(percentile(acknowledged, 0.5), 1),
        "acknowledged after, ms p99": round(percentile(acknowledged, 0.99), 1),
        "Python CPU, µs/message": round(side.cpu / side.outcome.sent * 1e6),
        "CPU of others meanwhile, s": round(side.others, 1),
    }
    what = f"webhook → agent's socket, at a quarter of the pipe's rate{split}"
    command = COMMAND + " --split" * bool(split)
    return [
        Number(
            key=f"latency_p50{suffix}",
            what=f"{what}, median",
            value=halves[0],
            unit="ms",
            bar=25,
            p50=halves[0],
            p99=halves[1],
            command=command,
            detail=facts,
        ),
        Number(
            key=f"latency_p99{suffix}",
            what=f"{what}, 99th percentile",
            value=halves[1],
            unit="ms",
            bar=150,
            p50=halves[0],
            p99=halves[1],
            command=command,
        ),
    ]
