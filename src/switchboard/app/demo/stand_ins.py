"""Which accounts of the sandbox's further platforms the demo connects, and how their settings are called on either side."""

from typing import Any

import msgspec

from switchboard.app.demo.platforms import Platforms


class StandIn(msgspec.Struct, frozen=True):
    """One account. `fields`: the adapter's field by the sandbox's setting, or `=` and a value as it is; a tuple where both call it
    the same. `first`: what its customers do when the demo starts for the first time.
    """

    account: str
    name: str
    fields: dict[str, str] | tuple[str, ...]
    first: tuple[dict[str, Any], ...] = ()


STAND_INS: dict[str, StandIn] = {
    "line": StandIn(
        "U5a0d0a11e0c0ffee5a0d0a11e0c0ffee",
        "山野集 LINE",
        ("channel_secret", "access_token"),
        (
            {"customer": "somchai", "text": "Sawadee krub, do you ship to Chiang Mai?"},
            {"customer": "somchai", "type": "sticker"},
        ),
    ),
    "messenger": StandIn(
        "105550000000021",
        "Shanye Outfitters",
        ("access_token", "app_secret", "verify_token", "app_id"),
        (
            {"customer": "tom", "text": "Hi, is the Ridge tent still available in green?"},
            {"customer": "sofia", "type": "comment", "text": "Does it keep dry in real rain?"},
            {"customer": "aisha", "type": "comment", "text": "Price please, and do you have it in size S?"},
        ),
    ),
    "instagram": StandIn(
        "17845550000000022",
        "shanye.outfitters",
        ("access_token", "app_secret", "verify_token"),
        (
            {"customer": "aisha", "text": "Love the new pack! Which volume is it?"},
            {"customer": "tom", "type": "comment", "text": "Where was this taken?"},
        ),
    ),
}
"""By kind."""
BASES = ("line", "line_data", "messenger", "instagram", "instagram_login")
"""Names by which adapters ask for these platforms' addresses."""


async def open_stand_ins(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """Make the accounts, or find them as they were; return the adapters' settings by kind."""
    found = {}
    for kind, one in STAND_INS.items():
        made = await platforms.post(f"platforms/{kind}", id=one.account, name=one.name)
        fields = one.fields if isinstance(one.fields, dict) else {name: name for name in one.fields}
        found[kind] = {
            field: said[1:] if said.startswith("=") else made["settings"].get(said, made.get(said))
            for field, said in fields.items()
        }
    return found


async def begin(platforms: Platforms) -> None:
    """Let customers come to every account."""
    for kind, one in STAND_INS.items():
        for wish in one.first:
            await platforms.post("play", platform=kind, account=one.account, **wish)
