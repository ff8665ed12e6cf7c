"""What the product sent to customers, in order of arrival: the independent witness of fault tests."""

from collections import deque
from typing import Any

import msgspec


class LedgerEntry(msgspec.Struct, frozen=True):
    """`seq` counts from 1 without gaps; `id` is the platform's; `at` is real time, seconds since 1970."""

    seq: int
    id: str
    platform: str
    account: str
    to: str
    kind: str
    text: str
    body: dict[str, Any]
    answered: bool
    at: float


class Ledger:
    """Bounded; what was dropped is counted."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[LedgerEntry] = deque(maxlen=limit)
        self._seq = 0

    def add(
        self,
        *,
        message_id: str,
        platform: str,
        account: str,
        to: str,
        kind: str,
        text: str,
        body: dict[str, Any],
        answered: bool,
        at: float,
    ) -> None:
        """Note one message; `answered` is false where the answer is withheld on purpose."""
        self._seq += 1
        self._entries.append(
            LedgerEntry(self._seq, message_id, platform, account, to, kind, text, body, answered, at)
        )

    def since(self, seq: int, limit: int) -> dict[str, Any]:
        """Entries after `seq`: {"items", "next" (give it as `since`), "last", "dropped"}."""
        first = self._entries[0].seq if self._entries else self._seq + 1
        start = max(0, seq + 1 - first)
        items = [self._entries[i] for i in range(start, min(len(self._entries), start + limit))]
        return {
            "items": items,
            "next": items[-1].seq if items else max(seq, 0),
            "last": self._seq,
            "dropped": first - 1,
        }

    def clear(self) -> None:
        """Forget everything; counting starts again at 1."""
        self._entries.clear()
        self._seq = 0
