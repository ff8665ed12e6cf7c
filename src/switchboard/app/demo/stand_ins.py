"""Which accounts of the sandbox's further platforms the demo connects, and how their settings are called on either side."""

from typing import Any

import msgspec

from switchboard.app.demo.platforms import Platforms


class StandIn(msgspec.Struct, frozen=True):
    """One account. `fields`: the adapter's field by the sandbox's setting, or `=` and a value as it is."""

    account: str
    name: str
    fields: dict[str, str]


STAND_INS: dict[str, StandIn] = {
    "line": StandIn(
        "U5a0d0a11e0c0ffee5a0d0a11e0c0ffee",
        "山野集 LINE",
        {"channel_secret": "channel_secret", "access_token": "access_token"},
    ),
}
"""By kind."""
BASES = ("line", "line_data")
"""Names by which adapters ask for these platforms' addresses."""


async def open_stand_ins(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """Make the accounts, or find them as they were; return the adapters' settings by kind."""
    found = {}
    for kind, one in STAND_INS.items():
        made = await platforms.post(f"platforms/{kind}", id=one.account, name=one.name)
        found[kind] = {
            field: said[1:] if said.startswith("=") else made["settings"].get(said, made.get(said))
            for field, said in one.fields.items()
        }
    return found
