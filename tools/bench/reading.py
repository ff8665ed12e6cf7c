"""Inbox pages and search over years of conversations, through the real API as agents and supervisors ask
for them.
"""

import random
import time
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from switchboard.core.analyser import query_terms, to_tsquery_text
from switchboard.db.pool import Tx
from tools.bench.history import History, Place
from tools.bench.installation import SQL, Agent, Installation, connected
from tools.bench.numbers import Number, percentile
from tools.bench.processes import Failed, Served
from tools.bench.wire import Lane, open_lane
from tools.bench.words import CHINESE, ENGLISH, chinese, english

CONVERSATIONS = 100_000
FULL = 1_000_000
REPEATS = 200
WORDS = 25
TIMES = 5


class Asked(msgspec.Struct):
    """One kind of question: its name, the times it took in milliseconds, rows in the last answer."""

    name: str
    times: list[float]
    rows: int
    note: str = ""

    @property
    def worst(self) -> float:
        return percentile(self.times, 0.99)


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] = []
    messages: list[msgspec.Raw] = []
    contacts: list[msgspec.Raw] = []
    next: str | None = None


class Client:
    """One signed-in client on one keep-alive connection, asking one thing after another."""

    def __init__(self, lane: Lane, served: Served, who: Agent) -> None:
        self._lane = lane
        head = f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {who.token}"
        self._tail = f" HTTP/1.1\r\n{head}\r\n\r\n".encode()

    async def get(self, path: str) -> tuple[_Page, float]:
        """Return an answer and the milliseconds it took; raises Failed for anything but 200."""
        begun = time.perf_counter()
        status, body = await self._lane.ask(b"GET /api/v1" + path.encode() + self._tail)
        took = (time.perf_counter() - begun) * 1000
        if status != 200:
            raise Failed(f"GET {path} answered {status}: {body[:200].decode('utf-8', 'replace')}")
        return msgspec.json.decode(body, type=_Page), took


async def inbox(place: Installation, kept: Place, full: bool) -> list[Number]:
    """Ask for pages of the inbox in every way the page does."""
    history = await kept.get(place, FULL if full else CONVERSATIONS)
    async with place.serving("history", history.dsn) as served:
        supervisor, agent = history.company.agents[0], history.company.agents[5]
        views = _views(history)
        asked = [
            await _page_times(served[0], supervisor, f"supervisor, {name}", path)
            for name, path in views.items()
        ]
        asked += [await _page_times(served[0], agent, f"agent, {name}", path) for name, path in views.items()]
    return _numbers("inbox", "all views", "the slowest view", 30, asked, history, full)


def _views(history: History) -> dict[str, str]:
    company = history.company
    base = "/conversations?limit=50"
    return {
        "all open": base,
        "mine": f"{base}&assignee=me",
        "nobody's": f"{base}&assignee=none",
        "a team's": f"{base}&team={company.teams[1]}",
        "longest waiting": f"{base}&sort=waiting",
        "a channel's": f"{base}&channel={company.channels['web']}",
        "a kind's": f"{base}&kind=whatsapp",
        "a frequent tag": f"{base}&tag=vip",
        "a rare tag": f"{base}&tag=refund",
        "pending": f"{base}&status=pending",
        "resolved": f"{base}&status=resolved",
        "resolved with a rare tag": f"{base}&status=resolved&tag=refund",
    }


async def _page_times(served: Served, who: Agent, name: str, path: str) -> Asked:
    """The first page half of the time, else one further on (up to the tenth)."""
    lane = await open_lane(served.port)
    client = Client(lane, served, who)
    dice, paths = random.Random(5), [path]
    page, _ = await client.get(path)
    rows = len(page.items)
    while page.next is not None and len(paths) < 10:
        paths.append(f"{path}&cursor={quote(page.next)}")
        page, _ = await client.get(paths[-1])
    chosen = [path if dice.random() < 0.5 else dice.choice(paths) for _ in range(REPEATS)]
    times = [(await client.get(one))[1] for one in chosen]
    assert lane.transport is not None
    lane.transport.close()
    return Asked(name, times, rows)


async def search(place: Installation, kept: Place, full: bool) -> list[Number]:
    """Ask for words: two Chinese characters or one English word, frequent and rare."""
    history = await kept.get(place, FULL if full else CONVERSATIONS)
    classes = _classes()
    notes = {name: await _matches(history, words) for name, words in classes.items()}
    async with place.serving("history", history.dsn) as served:
        asked = [
            await _search_times(
                served[0], history.company.agents[0], f"supervisor: {name}", words, notes[name]
            )
            for name, words in classes.items()
        ]
        asked += [
            await _search_times(served[0], history.company.agents[5], f"agent: {name}", words, notes[name])
            for name, words in classes.items()
        ]
    return _numbers("search", "all words", "the slowest kind", 100, asked, history, full)


def _classes() -> dict[str, list[str]]:
    dice = random.Random(11)  # the seed of the texts, whose vocabularies are drawn first
    han, latin = chinese(dice), english(dice)
    return {
        "Chinese, frequent": [one for one in CHINESE if len(one) == 2][:WORDS],
        "Chinese, rare": [one for one in han.words[len(CHINESE) + 500 :: 300] if len(one) == 2][:WORDS],
        "English, frequent": [one for one in ENGLISH if len(one) > 3][:WORDS],
        "English, rare": latin.words[len(ENGLISH) + 500 :: 300][:WORDS],
        "two words": [f"{a} {b}" for a, b in zip(CHINESE[3:28], CHINESE[10:35], strict=True)],
        "none such": [f"zzq{nr}x" for nr in range(WORDS)],
    }


async def _matches(history: History, words: Sequence[str]) -> str:
    """Say how many messages hold the words of a class: the fewest and the most."""
    async with connected(history.dsn) as connection:
        tx = Tx(connection)
        found = [
            int(
                await tx.value(
                    SQL.matches,
                    workspace=history.company.id,
                    query=to_tsquery_text(history.company.id, query_terms(word)),
                )
            )
            for word in words[:: max(1, len(words) // 6)]
        ]
    return f"{min(found):,}–{max(found):,} matches"


async def _search_times(served: Served, who: Agent, name: str, words: Sequence[str], note: str) -> Asked:
    lane = await open_lane(served.port)
    client = Client(lane, served, who)
    await client.get("/search?in=messages&q=warm")
    times, rows = [], 0
    for _ in range(TIMES):
        for word in words:
            page, took = await client.get(f"/search?in=messages&q={quote(word)}")
            times.append(took)
            rows = max(rows, len(page.messages))
    assert lane.transport is not None
    lane.transport.close()
    return Asked(name, times, rows, note)


def _numbers(
    key: str, all_of: str, slowest: str, bar: float, asked: Sequence[Asked], history: History, full: bool
) -> list[Number]:
    """Everything together, and the kind that does worst alone."""
    command = f"python -m tools.bench {key}{' --full' * full}"
    every = [took for one in asked for took in one.times]
    worst = max(asked, key=lambda one: one.worst)
    size = f"{history.conversations:,} conversations, {history.messages:,} messages"
    found = []
    for suffix, name, times in (("", all_of, every), ("_worst", f"{slowest} ({worst.name})", worst.times)):
        found.append(
            Number(
                key=f"{key}{suffix}{'_full' * full}",
                what=f"{'inbox page' if key == 'inbox' else key}, {size}, p99 of {name}",
                value=percentile(times, 0.99),
                unit="ms",
                bar=bar,
                p50=percentile(times, 0.5),
                p99=percentile(times, 0.99),
                command=command,
                detail={} if suffix else _facts(asked) | {"loaded in, s": round(history.seconds)},
            )
        )
    return found


def _facts(asked: Sequence[Asked]) -> dict[str, float | int | str]:
    facts: dict[str, float | int | str] = {}
    for one in asked:
        median = percentile(one.times, 0.5)
        note = f"{one.rows} rows, {one.note}" if one.note else f"{one.rows} rows"
        facts[one.name] = f"p50 {median:.1f} p99 {one.worst:.1f} ms ({note})"
    return facts
