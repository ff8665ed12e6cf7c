"""What an adapter's `manifest.toml` may say, as Structs."""

from pathlib import Path

import msgspec

from switchboard.core.capability import (
    ChoicesLimit,
    MediaLimit,
    Outgoing,
    StickerLimit,
    StickerPack,
    TextLimit,
)

__all__ = [
    "ChoicesLimit",
    "Manifest",
    "MediaLimit",
    "Names",
    "Outgoing",
    "Rate",
    "StickerLimit",
    "StickerPack",
    "TextLimit",
    "Window",
    "load",
]


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


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For how long, and for how many answers (0: any), what a customer did allows us to write freely.

    `opened_by` is what facts name in `opens`: message, or an act of the platform's own (menu_click, follow, scan, enter).
    """

    opened_by: str = "message"
    hours: float
    messages: int = 0


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One adapter's facts.

    `receives`: part types and fact kinds it can produce. `does`: optional protocol members. `windows`:
    what a customer did allows free answers for how long (none: always allowed); `late_hours`: how long a person may still
    answer after that by the platform's tag (HUMAN_AGENT). `handle_seconds`: how long a `reply_handle` is good, and
    `handle_uses` how often (0: any number). `private_reply_days`: how long after a comment its writer may be answered in
    private (0: never). `converse_seconds`: how long the door holds a voice skill's request. `receipts`: statuses the platform
    reports. `idempotent`: a repeated send with our key is surely not doubled. `poll_seconds`: the
    rest between two polls that no nudge cuts short (a long poll rests by itself). `retry_days`: how long the
    platform repeats a webhook. `not_offered`: rows of the conformance page (`tools.conformance`) for which the platform
    has no interface; `partly`: rows that work with a limit, and which.
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
    windows: list[Window] = []
    late_hours: float = 0
    handle_seconds: float = 0
    handle_uses: int = 1
    converse_seconds: float = 0
    private_reply_days: float = 0
    receipts: list[str] = []
    idempotent: bool = False
    poll_seconds: float = 0.05
    retry_days: int = 7
    not_offered: list[str] = []
    partly: dict[str, Names] = {}


def load(path: Path) -> Manifest:
    """Read a manifest; raises msgspec.ValidationError naming the field that is wrong."""
    return msgspec.toml.decode(path.read_bytes(), type=Manifest)
