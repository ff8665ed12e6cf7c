"""The other side of the comparison: `pgbench` writes the pipe's rows by hand (`pipe.sql`)."""

import asyncio
import os
import re
import resource
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from switchboard.channels.whatsapp.inbound import facts
from switchboard.core.analyser import index_terms, to_tsvector_text
from switchboard.core.facts import MessageReceived
from switchboard.core.parts import words
from switchboard.core.text import scrub
from switchboard.db.postmaster import choose_programs
from tools.bench.installation import APP_SECRET, HOOK, WHATSAPP_NUMBER, Company, connected
from tools.bench.processes import Failed
from tools.bench.webhooks import batches

SCRIPT = Path(__file__).with_name("pipe.sql")
CLIENTS = 16
SECONDS = 120
AGENTS = """
create table hand_agent as select row_number() over (order by agent_id) as nr, agent_id from presence;
alter table hand_agent add primary key (nr);
create sequence hand_position cache 1
"""


class Hand(msgspec.Struct):
    """One round of pgbench: transactions a second, their times in ms, its own CPU in seconds."""

    rate: float
    times: list[float]
    cpu: float


async def prepare(dsn: str) -> None:
    """Add what only the script needs: agents by number, and a sequence."""
    async with connected(dsn) as connection:
        await connection.execute(AGENTS)


async def pgbench(
    dsn: str, company: Company, log: Path, *, messages: int, senders: int, first: int, search: bool = False
) -> Hand:
    """Run the script for so many messages, shared by 16 clients."""
    variables = samples(company) | {
        "senders": str(senders),
        "first": str(first),
        "agents": str(len(company.agents)),
        "search": str(int(search)),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = await _run(dsn, log, -(-messages // CLIENTS), variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = re.search(r"tps = ([\d.]+) \(without", said)
    if rate is None or "aborted" in said:
        raise Failed(f"pgbench failed: {' '.join(said.split())[-500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Hand(float(rate[1]), _times(log), cpu)


async def _run(dsn: str, log: Path, each: int, variables: dict[str, str]) -> str:
    """Run pgbench to its end and return what it says."""
    split = urlsplit(dsn)
    program = choose_programs(None, log).directory / "pgbench"
    arguments = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-t", str(each), "-f", str(SCRIPT)]
    arguments += ["--log", "--log-prefix", str(log)]
    arguments += ["-h", parse_qs(split.query)["host"][0], "-U", str(split.username)]
    for name, value in variables.items():
        arguments += ["-D", f"{name}={value}"]
    for old in log.parent.glob(f"{log.name}.*"):
        old.unlink()
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        split.path.lstrip("/"),
        env=os.environ | {"PGPASSWORD": unquote(split.password or "")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            return (await process.communicate())[0].decode()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Failed(f"pgbench did not finish within {SECONDS} s.") from None


def _times(log: Path) -> list[float]:
    """Return the milliseconds of every transaction."""
    lines = [line for path in log.parent.glob(f"{log.name}.*") for line in path.read_text().splitlines()]
    return [int(line.split()[2]) / 1000 for line in lines]


def samples(company: Company) -> dict[str, str]:
    """Return the script's constants: a webhook of three messages, and what becomes of one of them."""
    made, _ = batches(
        60,
        senders=2000,
        first=0,
        run="HBgL",
        address="127.0.0.1",
        hook=HOOK,
        number=WHATSAPP_NUMBER,
        secret=APP_SECRET,
        seed=3,
    )
    body = next(one.request for one in made if len(one.senders) == 3).partition(b"\r\n\r\n")[2]
    fact = facts(body)[0]
    assert isinstance(fact, MessageReceived)
    headers = {
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "x-hub-signature-256": f"sha256={'0' * 64}",
    }
    return {
        "workspace": str(company.id),
        "connection": str(company.connections["whatsapp"]),
        "channel": str(company.channels["whatsapp"]),
        "url": f"http://127.0.0.1:8000/hooks/{HOOK}",
        "key": "message:wamid.HBgLNjU5MDAwMDAw",
        "body": body.decode(),
        "headers": msgspec.json.encode(headers).decode(),
        "fact": msgspec.json.encode(fact).decode(),
        "parts": msgspec.json.encode(fact.parts).decode(),
        "terms": to_tsvector_text(company.id, index_terms(scrub(words(fact.parts)))),
    }
