"""Long messages of ours on their way: each part has its own receipt, the message is known by its first part's id."""

from collections.abc import Iterable, Sequence

import msgspec

MOST = 500
LONGEST_SECONDS = 3 * 86_400


class LongOne(msgspec.Struct, omit_defaults=True):
    """A message in parts: the SMSC's ids, the first being the message's own, and those not delivered yet."""

    at: float
    ids: list[str]
    left: list[str]
    failed: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What a part's receipt means: `of` is the message it settles; empty and `wait` when it settles none yet."""

    of: str = ""
    wait: bool = False


class Ledger:
    """All of them, at most so many for so long; what was forgotten is judged by its first part alone."""

    def __init__(self) -> None:
        self._ones: dict[str, LongOne] = {}
        self._heads: dict[str, str] = {}

    def add(self, ids: Sequence[str], at: float) -> None:
        """Remember a message that the SMSC has taken in parts."""
        self.restore([LongOne(at, list(ids), list(ids))])
        for head in list(self._ones)[: max(0, len(self._ones) - MOST)]:
            self._forget(head)

    def restore(self, ones: Iterable[LongOne]) -> None:
        """Take over what was saved. It counts more than memory: receipts that were not stored will come again."""
        for one in ones:
            if one.ids:
                self._ones[one.ids[0]] = one
                self._heads |= dict.fromkeys(one.ids, one.ids[0])

    def saved(self, now: float) -> list[LongOne]:
        """Return what is still open, oldest first, to be saved."""
        for head in [head for head, one in self._ones.items() if now - one.at > LONGEST_SECONDS]:
            self._forget(head)
        return list(self._ones.values())

    def settle(self, identifier: str, status: str) -> Verdict:
        """Take note of a receipt.

        Delivered is a message when all its parts are, failed with the first that fails; what comes after that is of no
        interest.
        """
        head = self._heads.get(identifier, "")
        if not head:
            return Verdict()
        one = self._ones[head]
        if one.failed or status == "sent":
            return Verdict(wait=True)
        if status == "failed":
            one.failed = True
            return Verdict(of=head)
        one.left = [other for other in one.left if other != identifier]
        if one.left:
            return Verdict(wait=True)
        self._forget(head)
        return Verdict(of=head)

    def knows(self, identifier: str) -> bool:
        """Tell whether an id is that of a part."""
        return identifier in self._heads

    def _forget(self, head: str) -> None:
        for identifier in self._ones.pop(head).ids:
            self._heads.pop(identifier, None)
