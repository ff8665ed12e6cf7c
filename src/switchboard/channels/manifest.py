"""What an adapter's `manifest.toml` may say, as Structs."""

from pathlib import Path

import msgspec

from switchboard.core.capability import ChoicesLimit, MediaLimit, Outgoing, TextLimit

__all__ = ["ChoicesLimit", "Manifest", "MediaLimit", "Names", "Outgoing", "Rate", "TextLimit", "load"]


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    en: str
    zh: str


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The platform's published limits: sends a second per account, seconds between sends to one person, in
    flight.
    """

    per_second: float = 20
    per_recipient_seconds: float = 0
    in_flight: int = 8


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One adapter's facts.

    `receives`: part types and fact kinds it can produce. `does`: optional protocol members. `window_hours`:
    how long after a customer's message a free answer is allowed (0: always). `receipts`: statuses the
    platform reports. `idempotent`: a repeated send with our key is surely not doubled. `poll_seconds`: the
    rest between two polls that no nudge cuts short (a long poll rests by itself). `retry_days`: how long the
    platform repeats a webhook.
    """

    kind: str
    names: Names
    description: Names
    colour: str
    tier: str
    docs: str
    webhook: bool = True
    receives: list[str]
    does: list[str] = []
    sends: Outgoing
    rate: Rate = Rate()
    window_hours: float = 0
    receipts: list[str] = []
    idempotent: bool = False
    poll_seconds: float = 0.05
    retry_days: int = 7


def load(path: Path) -> Manifest:
    """Read a manifest; raises msgspec.ValidationError naming the field that is wrong."""
    return msgspec.toml.decode(path.read_bytes(), type=Manifest)
