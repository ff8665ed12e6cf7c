"""Connecting accounts: validate against the platform, seal, save, register the webhook. The API's side door to adapters."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import msgspec
import structlog

from switchboard.app.runtime import Runtime
from switchboard.channels.api import Account, Channel, Outcome, Registers
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.core.errors import Invalid, NotFound
from switchboard.core.events import Event
from switchboard.core.ids import new_id
from switchboard.db import log as event_log

log = structlog.get_logger()
PROBE_SECONDS = 25


class Tested(msgspec.Struct, frozen=True):
    """What a test of credentials found: whether they work, in the platform's own words, and which accounts they serve."""

    ok: bool
    message: str
    accounts: list[Account] = []


class Kind(msgspec.Struct, frozen=True):
    """One kind of channel as the set-up page shows it."""

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


class Connector:
    """Tests, creates and changes connections."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def kinds(self) -> list[Kind]:
        """Return every kind there is an adapter for."""
        found: list[Kind] = []
        for adapter in adapters().values():
            facts = adapter.manifest
            found.append(
                Kind(
                    facts.kind, msgspec.to_builtins(facts.names), msgspec.to_builtins(facts.description), facts.colour, facts.tier,
                    adapter.schema(), {"in": facts.receives, "out": msgspec.to_builtins(facts.sends), "window_hours": facts.window_hours,
                                       "receipts": facts.receipts}, {"en": adapter.guide("en"), "zh": adapter.guide("zh")},
                    facts.docs, facts.webhook,
                )
            )  # fmt: skip
        return found

    async def test(self, workspace: UUID, kind: str, config: dict[str, Any]) -> Tested:
        """Try credentials without saving them."""
        adapter = _adapter(kind)
        return await self._probe(adapter.factory(_convert(adapter, config), self._runtime.io(workspace)))

    async def test_saved(self, workspace: UUID, connection: UUID) -> Tested:
        """Try saved credentials; the connection turns green or red accordingly."""
        row = await self._row(workspace, connection)
        channel = self._runtime.connections.adapter(row)
        tested = await self._probe(channel)
        async with self._runtime.db.transaction() as tx:
            events: list[Event] = []
            if tested.ok:
                found = [connections.AccountFound(one.external_id, one.name) for one in tested.accounts]
                events += await connections.save_channels(tx, workspace, connection, row.kind, found, "green")
            else:
                await connections.note(tx, workspace, connection, "error", "test_failed", tested.message)
            events += await connections.set_status(tx, connection, "green" if tested.ok else "red", "" if tested.ok else tested.message)
            await event_log.append(tx, events)
        self._runtime.announce(events)
        if tested.ok:
            await self._register(workspace, connection, channel, row.secret)
        return tested

    async def create(self, workspace: UUID, kind: str, name: str, config: dict[str, Any], force: bool = False) -> UUID:
        """Save a connection that the platform accepts (or, forced, one that it does not accept yet); raises Invalid."""
        adapter = _adapter(kind)
        filled = _generate(adapter, config)
        channel = adapter.factory(_convert(adapter, filled), self._runtime.io(workspace))
        tested = await self._probe(channel)
        if not tested.ok and not force:
            raise Invalid(tested.message, field="config", code="platform_refused")
        status = "green" if tested.ok else "red"
        connection = new_id()
        sealed = self._runtime.sealer.seal(msgspec.json.encode(filled), workspace=workspace, purpose="connection")
        found = [connections.AccountFound(one.external_id, one.name) for one in tested.accounts]
        async with self._runtime.db.transaction() as tx:
            events = await connections.create(tx, workspace, connection, kind, name, sealed, found, status)
            if not tested.ok:
                events += await connections.set_status(tx, connection, "red", tested.message)
            await event_log.append(tx, events)
            row = await connection_reads.by_id(tx, connection)
        self._runtime.announce(events)
        assert row is not None
        if tested.ok:
            await self._register(workspace, connection, channel, row.secret)
        return connection

    async def update(
        self, workspace: UUID, connection: UUID, name: str | None, config: dict[str, Any] | None, disabled: bool | None, force: bool = False
    ) -> None:
        """Change a connection; secrets left out or null stay as they are. Raises Invalid, NotFound."""
        row = await self._row(workspace, connection)
        sealed, channel, tested = None, None, Tested(False, "")
        if config is not None:
            adapter = _adapter(row.kind)
            present: dict[str, Any] = msgspec.to_builtins(self._runtime.connections.config(row))
            filled = present | {key: value for key, value in config.items() if value is not None and not key.endswith("_set")}
            channel = adapter.factory(_convert(adapter, filled), self._runtime.io(workspace))
            tested = await self._probe(channel)
            if not tested.ok and not force:
                raise Invalid(tested.message, field="config", code="platform_refused")
            sealed = self._runtime.sealer.seal(msgspec.json.encode(filled), workspace=workspace, purpose="connection")
        async with self._runtime.db.transaction() as tx:
            events = await connections.update(tx, workspace, connection, name, sealed, disabled)
            if sealed is not None and tested.ok:
                found = [connections.AccountFound(one.external_id, one.name) for one in tested.accounts]
                events += await connections.save_channels(tx, workspace, connection, row.kind, found, "green")
                events += await connections.set_status(tx, connection, "green")
            await event_log.append(tx, events)
        self._runtime.announce(events)
        if channel is not None and tested.ok:
            await self._register(workspace, connection, channel, row.secret)

    async def remove(self, workspace: UUID, connection: UUID) -> None:
        """Switch a connection off for good; its conversations stay."""
        await self._row(workspace, connection)
        async with self._runtime.db.transaction() as tx:
            events = await connections.remove(tx, workspace, connection)
            await event_log.append(tx, events)
        self._runtime.announce(events)

    def webhook_url(self, row: connection_reads.ConnectionRow) -> str:
        """Return the address a platform should call, empty where it calls none."""
        if row.kind not in adapters() or not adapters()[row.kind].manifest.webhook:
            return ""
        return f"{self._runtime.settings.url}/hooks/{row.secret}"

    def shown_config(self, row: connection_reads.ConnectionRow) -> dict[str, Any]:
        """Return a connection's settings with every secret blanked; `<field>_set` tells whether there is one."""
        adapter = _adapter(row.kind)
        shown: dict[str, Any] = msgspec.to_builtins(self._runtime.connections.config(row))
        for field, facts in adapter.schema().get("properties", {}).items():
            if facts.get("x-secret"):
                shown[f"{field}_set"] = bool(shown.get(field))
                shown[field] = None
        return shown

    def widget_script(self, row: connection_reads.ConnectionRow) -> str:
        """Return the one line that puts a widget on a site; empty for other kinds."""
        if row.kind != "web":
            return ""
        key = getattr(self._runtime.connections.config(row), "site_key", "")
        return f'<script src="{self._runtime.settings.url}/widget.js" data-channel="{key}" async></script>'

    async def _row(self, workspace: UUID, connection: UUID) -> connection_reads.ConnectionRow:
        async with self._runtime.db.transaction() as tx:
            row = await connection_reads.by_id(tx, connection, workspace)
        if row is None or row.reason == "removed":
            raise NotFound("There is no such connection.")
        return row

    async def _probe(self, channel: Channel) -> Tested:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                accounts = await channel.probe()
        except Outcome as error:
            return Tested(False, str(error))
        except TimeoutError:
            return Tested(False, "The platform did not answer in time.")
        except Exception as error:
            log.exception("probe_failed")
            return Tested(False, f"The adapter failed: {type(error).__name__}")
        if not accounts:
            return Tested(False, "The credentials work, but serve no account.")
        return Tested(True, "", accounts)

    async def _register(self, workspace: UUID, connection: UUID, channel: Channel, secret: str) -> None:
        """Tell the platform our address where it lets us; trouble turns the connection amber, with the reason."""
        if not isinstance(channel, Registers):
            return
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await channel.register(f"{self._runtime.settings.url}/hooks/{secret}")
        except (Outcome, TimeoutError) as error:
            words = f"The webhook address could not be registered: {error or 'no answer'}"
            async with self._runtime.db.transaction() as tx:
                events = await connections.set_status(tx, connection, "amber", words)
                await connections.note(tx, workspace, connection, "error", "register_failed", words)
                await event_log.append(tx, events)
            self._runtime.announce(events)


def _adapter(kind: str) -> Adapter:
    if kind not in adapters():
        raise Invalid(f"There is no kind of channel named {kind[:40]}.", field="kind")
    return adapters()[kind]


def _generate(adapter: Adapter, config: dict[str, Any]) -> dict[str, Any]:
    """Fill the fields that are made here, where they were left empty."""
    filled = {key: value for key, value in config.items() if value is not None and not key.endswith("_set")}
    for field, facts in adapter.schema().get("properties", {}).items():
        if facts.get("x-generated") and not filled.get(field):
            filled[field] = secrets.token_hex(16)
    return filled


def _convert(adapter: Adapter, config: dict[str, Any]) -> msgspec.Struct:
    """Check settings against the adapter's Struct; raises Invalid naming the field."""
    try:
        return msgspec.convert(config, adapter.factory.config_type)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        raise Invalid(words, field=f"config{path.rstrip('`')}") from None
