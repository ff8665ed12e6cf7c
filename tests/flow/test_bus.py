"""Hints and passing news between two processes."""

import asyncio
from typing import Any

from switchboard.db.bus import Bus


async def test_much_news_at_once_comes_over_whole(database: str) -> None:
    """One notification holds 7 kB; what is said in one moment may be more."""
    here, there = Bus(database), Bus(database)
    said = [{"nr": nr, "name": "名" * 60} for nr in range(150)]
    heard: list[dict[str, Any]] = []
    all_of_it = asyncio.Event()

    def hear(news: dict[str, Any]) -> None:
        heard.append(news)
        if len(heard) == len(said):
            all_of_it.set()

    there.hear(hear)
    hinted = there.listener("facts")
    running = [asyncio.create_task(bus.run()) for bus in (here, there)]
    await hinted.wait()  # it listens
    hinted.clear()
    for news in (*said[:100], {"nr": -1, "name": "x" * 9000}, *said[100:]):
        here.say(news)
    here.hint("facts")
    async with asyncio.timeout(5):
        await hinted.wait()
        await all_of_it.wait()
    assert heard == said
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
