"""What the endpoints of channels ask of the composition root: adapters, probes, sealing."""

from typing import Any, Protocol
from uuid import UUID

import msgspec

from switchboard.channels.api import ApprovedTemplate
from switchboard.connections.commands import AccountFound
from switchboard.connections.reads import ChannelRow, ConnectionRow


class Kind(msgspec.Struct, frozen=True):
    """One kind of channel as the set-up page shows it. Texts are `{"en", "zh"}`, guides are Markdown."""

    kind: str
    names: dict[str, str]
    description: dict[str, str]
    colour: str
    tier: str
    config_schema: dict[str, Any]
    capabilities: dict[str, Any]
    guide: dict[str, str]
    docs_url: str
    webhook: bool


class Tested(msgspec.Struct, frozen=True):
    """Whether credentials work, in the platform's own words, and which accounts they serve."""

    ok: bool
    message: str
    accounts: list[AccountFound] = []
    field: str = ""
    """The setting most likely at fault, as `config.token`; `config` where that can't be told."""


class TestSent(msgspec.Struct, frozen=True):
    """What the platform said to a test message."""

    ok: bool
    message: str = ""
    external_id: str = ""


class Picture(msgspec.Struct, frozen=True):
    """A picture's bytes and their type."""

    mime: str
    data: bytes


class Prepared(msgspec.Struct, frozen=True):
    """Settings tried and sealed, ready to be saved. `generated` are secrets made here, told once."""

    sealed: bytes
    tested: Tested
    generated: dict[str, str] = {}

    @property
    def status(self) -> str:
        """Return the status a connection gets by this."""
        return "green" if self.tested.ok else "red"


class Connects(Protocol):
    """Talks to adapters and platforms; holds no transaction meanwhile, since platforms are slow."""

    def kinds(self) -> list[Kind]: ...
    async def test(self, workspace: UUID, kind: str, config: dict[str, Any]) -> Tested:
        """Try settings; raises Invalid for what the adapter's form doesn't take."""
        ...

    async def test_saved(self, row: ConnectionRow) -> Tested: ...
    async def prepare(self, workspace: UUID, kind: str, config: dict[str, Any], *, force: bool) -> Prepared:
        """Complete, try and seal new settings; raises Invalid with the platform's words unless forced."""
        ...

    async def prepare_change(self, row: ConnectionRow, config: dict[str, Any], *, force: bool) -> Prepared:
        """The same for changed settings: secrets left out or null stay as they are."""
        ...

    async def register(self, workspace: UUID, connection: UUID) -> None:
        """Tell the platform our webhook address where it lets us; trouble turns the connection amber."""
        ...

    async def send_test(self, row: ConnectionRow, channel: UUID, address: str, text: str) -> TestSent:
        """Hand a text to the platform, outside of any conversation; raises NotFound for another connection's channel."""
        ...

    async def sticker(self, row: ChannelRow, key: str) -> Picture:
        """Return the picture of a sticker that the channel sends; raises NotFound, or an outcome when it can't be had."""
        ...

    async def templates(self, row: ChannelRow) -> list[ApprovedTemplate]:
        """Return what the channel's platform has approved; raises Conflict where it can't be asked, or an outcome."""
        ...

    def is_public(self) -> bool:
        """Tell whether platforms can reach our webhook addresses: https, or a platform of the operator's own."""
        ...

    def webhook_url(self, row: ConnectionRow) -> str: ...
    def shown_config(self, row: ConnectionRow) -> dict[str, Any] | None:
        """Return settings, secrets blanked, `<field>_set` beside them; None when they can't be opened."""
        ...

    def widget_script(self, row: ConnectionRow) -> str: ...
