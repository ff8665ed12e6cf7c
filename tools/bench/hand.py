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
AGENTS = """
create table hand_agent as select row_number() over (order by agent_id) as nr, agent_id from presence;
alter table hand_agent add primary key (nr);
create sequence hand_position cache 1
"""


class Hand(msgspec.Struct):
    """What one round of pgbench gave: transactions a second, their times in milliseconds, its own CPU in seconds."""

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
    split = urlsplit(dsn)
    program = choose_programs(None, Path("/nonexistent")).directory / "pgbench"
    variables = samples(company) | {
        "senders": str(senders), "first": str(first), "agents": str(len(company.agents)), "search": str(int(search)),
    }  # fmt: skip
    for old in log.parent.glob(f"{log.name}*"):
        old.unlink()
    arguments = [
        "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-t", str(-(-messages // CLIENTS)), "-f", str(SCRIPT),
        "--log", "--log-prefix", str(log), "-h", parse_qs(split.query)["host"][0], "-U", str(split.username),
    ]  # fmt: skip
    for name, value in variables.items():
        arguments += ["-D", f"{name}={value}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = await asyncio.create_subprocess_exec(
        program, *arguments, split.path.lstrip("/"), env=os.environ | {"PGPASSWORD": unquote(split.password or "")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(120):
            said = (await process.communicate())[0].decode()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Failed("pgbench did not finish within 120 s.") from None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = re.search(r"tps = ([\d.]+) \(without", said)
    if process.returncode != 0 or rate is None or "aborted" in said:
        raise Failed(f"pgbench failed: {' '.join(said.split())[-500:]}")
    times = [
        int(line.split()[2]) / 1000
        for path in log.parent.glob(f"{log.name}.*")
        for line in path.read_text().splitlines()
    ]
    return Hand(float(rate[1]), times, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def samples(company: Company) -> dict[str, str]:
    """Return the script's constants: a webhook of three messages, and what the product makes of one of them."""
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
