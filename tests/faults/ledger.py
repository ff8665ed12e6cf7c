"""What was promised: an independent account of everything that the product acknowledged."""

from collections import defaultdict
from uuid import UUID

import msgspec


class Ledger(msgspec.Struct):
    """Texts are unique, so a text is its own key. Nobody says a new word before the last was acknowledged."""

    said: dict[str, list[str]]
    """sender → texts in the order in which they were acknowledged"""
    posted: set[str]
    """every text that ever left a sender, acknowledged or not"""
    answered: dict[str, list[str]]
    """contact → texts of agents' answers in the order in which they were acknowledged"""
    written: set[str]
    """every answer that ever left an agent, acknowledged or not"""
    messages: dict[str, UUID]
    """answer → the message id that came with the 201"""
    statuses: dict[str, int]
    """what the product answered while it was being broken, by `door` or `rest` and status; 0 is no answer"""

    @classmethod
    def empty(cls) -> "Ledger":
        return cls(defaultdict(list), set(), defaultdict(list), set(), {}, defaultdict(int))

    @property
    def inbound(self) -> list[str]:
        """Every acknowledged text of a customer."""
        return [text for texts in self.said.values() for text in texts]

    @property
    def outbound(self) -> list[str]:
        """Every acknowledged answer."""
        return [text for texts in self.answered.values() for text in texts]


def sender_of(text: str) -> str:
    """Texts of customers start with their own name."""
    return text.partition(" ")[0]
