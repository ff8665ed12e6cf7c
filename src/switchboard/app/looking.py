"""Who looks at which conversation, as each process last told the others."""

import time
from uuid import UUID

FORGET_SECONDS = 60.0
"""A process that tells nothing for so long is gone; each tells again every quarter of that."""


class Lookers:
    """Put together from what processes tell: each names all of its own agents at a conversation, every time."""

    def __init__(self) -> None:
        self._told: dict[UUID, dict[str, tuple[float, dict[str, str]]]] = {}

    def heard(
        self, conversation: UUID, process: str, agents: dict[str, str], now: float | None = None
    ) -> dict[str, str]:
        """Take note of one process's agents (id → name) at a conversation; return everybody's."""
        now = time.monotonic() if now is None else now
        told = self._told.setdefault(conversation, {})
        told[process] = (now, agents)
        fresh = {key: one for key, one in told.items() if one[1] and now - one[0] < FORGET_SECONDS}
        if fresh:
            self._told[conversation] = fresh
        else:
            del self._told[conversation]
        return {agent: name for _, at_one in fresh.values() for agent, name in at_one.items()}
