"""Connecting accounts: complete, try and seal settings, register the webhook."""

import asyncio
import secrets
import time
from typing import Any
from uuid import UUID

import msgspec
import structlog

from switchboard.api.connects import Kind, Picture, Prepared, Tested, TestSent
from switchboard.api.problems import malformed
from switchboard.app.runtime import Runtime
from switchboard.blobs import Unfit, identify
from switchboard.channels.api import (
    MOST_TEMPLATES,
    ApprovedTemplate,
    Channel,
    FetchesMedia,
    InDoubt,
    ListsTemplates,
    Outbound,
    Outcome,
    Reauthorise,
    Refused,
    Registers,
    Retry,
    Source,
    Text,
)
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.connections.commands import AccountFound
from switchboard.connections.reads import ChannelRow, ConnectionRow
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.ids import new_id
from switchboard.db import log as event_log
from switchboard.secrecy import CannotOpen

log = structlog.get_logger()
PROBE_SECONDS = 20
TEMPLATE_SECONDS = 15
STICKER_SECONDS = 5
STICKER_REST = 60.0
"""For how long a server of pictures that does not answer is left alone, seconds."""
PICTURES = ("image/png", "image/apng", "image/webp", "image/gif", "image/jpeg")
PURPOSE = "connection"
SEALED = "The stored credentials can't be opened; enter them again."


class Connector:
    """Tries and seals settings; see `api.connects.Connects`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kinds: list[Kind] = []
        self._sticker_rest: dict[str, float] = {}

    def kinds(self) -> list[Kind]:
        """Return every kind there is an adapter for; they are files, so they are read once."""
        if not self._kinds:
            self._kinds = [_kind(adapter) for adapter in adapters().values()]
        return self._kinds

    async def test(self, workspace: UUID, kind: str, config: dict[str, Any]) -> Tested:
        """Try settings without saving them."""
        adapter = _adapter(kind)
        filled, _ = _complete(adapter, config)
        return await self._probe(adapter, _convert(adapter, filled), workspace)

    async def test_saved(self, row: ConnectionRow) -> Tested:
        """Try saved settings."""
        adapter = _adapter(row.kind)
        try:
            config = self._runtime.connections.config(row)
        except (CannotOpen, msgspec.DecodeError):
            return Tested(False, SEALED, field="config")
        return await self._probe(adapter, config, row.workspace_id, row.id)

    async def prepare(self, workspace: UUID, kind: str, config: dict[str, Any], *, force: bool) -> Prepared:
        """Complete, try and seal new settings; raises Invalid with the platform's words unless forced."""
        adapter = _adapter(kind)
        filled, generated = _complete(adapter, config)
        return await self._prepare(adapter, workspace, filled, generated, force)

    async def prepare_change(self, row: ConnectionRow, config: dict[str, Any], *, force: bool) -> Prepared:
        """The same for changed settings: secrets left out or null stay as they are."""
        adapter = _adapter(row.kind)
        try:
            present: dict[str, Any] = msgspec.to_builtins(self._runtime.connections.config(row))
        except (CannotOpen, msgspec.DecodeError):
            present = {}
        fields = adapter.schema().get("properties", {})
        fixed = {name for name, facts in fields.items() if _made_here(facts)}
        asked = {
            name: value for name, value in _asked(config).items() if name not in fixed or name not in present
        }
        return await self._prepare(adapter, row.workspace_id, present | asked, {}, force)

    async def _prepare(
        self,
        adapter: Adapter,
        workspace: UUID,
        filled: dict[str, Any],
        generated: dict[str, str],
        force: bool,
    ) -> Prepared:
        tested = await self._probe(adapter, _convert(adapter, filled), workspace)
        if not tested.ok and not force:
            raise Invalid(tested.message, field=tested.field, code="platform_refused")
        sealed = self._runtime.sealer.seal(msgspec.json.encode(filled), workspace=workspace, purpose=PURPOSE)
        return Prepared(sealed, tested, generated)

    async def register(self, workspace: UUID, connection: UUID) -> None:
        """Tell the platform our address where it lets us; trouble turns the connection amber."""
        async with self._runtime.db.transaction() as tx:
            row = await connection_reads.by_id(tx, connection, workspace)
        if row is None or row.disabled_at is not None:
            return
        try:
            channel = self._runtime.connections.adapter(row)
            if not isinstance(channel, Registers):
                return
            async with asyncio.timeout(PROBE_SECONDS):
                await channel.register(self.webhook_url(row))
            return
        except (Outcome, TimeoutError) as error:
            words = f"The webhook address could not be registered: {str(error) or 'no answer in time'}"
        except Exception as error:
            log.exception("register_failed", kind=row.kind)
            words = (
                f"The webhook address could not be registered: the adapter failed ({type(error).__name__})"
            )
        async with self._runtime.db.transaction() as tx:
            events = await connections.set_status(tx, connection, "amber", words)
            await connections.note(tx, workspace, connection, "error", "register_failed", words)
            await event_log.append(tx, events)
        self._runtime.announce(events)

    async def send_test(self, row: ConnectionRow, channel: UUID, address: str, text: str) -> TestSent:
        """Hand a text to the platform; the outcome is told in its own words."""
        try:
            live = await self._runtime.connections.by_id(row.id)
        except (CannotOpen, msgspec.DecodeError):
            return TestSent(False, SEALED)
        if live is None:
            return TestSent(False, "The connection is switched off.")
        try:
            account = live.account_of(channel)
        except KeyError:
            raise NotFound("This connection has no such channel.") from None
        if live.speaks is not None:
            return TestSent(False, "This channel answers only when it is asked.")
        message = Outbound(
            account=account, to=address, parts=[Text(text)], idempotency_key=f"test-{new_id()}"
        )
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                sent = await live.channel.send(message)
        except Outcome as error:
            return TestSent(False, str(error))
        except TimeoutError:
            return TestSent(False, "The platform did not answer in time.")
        except Exception as error:
            log.exception("test_message_failed", kind=row.kind)
            return TestSent(False, f"The adapter failed: {type(error).__name__}")
        return TestSent(True, "", sent.external_id)

    async def templates(self, row: ChannelRow) -> list[ApprovedTemplate]:
        """Ask the platform for the templates that it has approved; nothing is kept here."""
        if row.kind not in adapters() or "list_templates" not in adapters()[row.kind].manifest.does:
            raise Conflict("This platform lists no templates.", code="not_offered")
        try:
            live = await self._runtime.connections.by_id(row.connection_id)
            if live is None or not isinstance(live.channel, ListsTemplates):
                raise Refused("The connection is switched off.")
            async with asyncio.timeout(TEMPLATE_SECONDS):
                found = await live.channel.list_templates(row.external_id)
        except (CannotOpen, msgspec.DecodeError):
            raise Refused(SEALED) from None
        except TimeoutError:
            raise Retry("The platform did not answer in time.") from None
        return found[:MOST_TEMPLATES]

    async def sticker(self, row: ChannelRow, key: str) -> Picture:
        """Return a sticker's picture, fetched once for all: the platform's stickers are the same for everybody."""
        limit = adapters()[row.kind].manifest.sends.sticker if row.kind in adapters() else None
        if limit is None or not limit.lists(key):
            raise NotFound("This channel sends no such sticker.")
        path = f"stickers/{row.kind}/{key.replace(':', '/')}"
        try:
            data = await self._runtime.blobs.read(path)
        except FileNotFoundError:
            data = await self._fetch_sticker(row, key)
            await self._runtime.blobs.put_at(path, data)
        return Picture(identify(data).mime, data)

    async def _fetch_sticker(self, row: ChannelRow, key: str) -> bytes:
        if time.monotonic() < self._sticker_rest.get(row.kind, 0):
            raise Retry("The platform's pictures could not be reached a moment ago.")
        try:
            live = await self._runtime.connections.by_id(row.connection_id)
            if live is None or not isinstance(live.channel, FetchesMedia):
                raise Refused("The connection is switched off.")
            async with asyncio.timeout(STICKER_SECONDS):
                content = await live.channel.fetch_media(row.external_id, Source(ref=key))
            if identify(content.data, declared=content.mime).mime not in PICTURES:
                raise Refused("The platform sent something else than a picture.")
        except (CannotOpen, msgspec.DecodeError, Unfit) as error:
            raise Refused(f"The picture can't be had ({type(error).__name__}).") from None
        except (Retry, InDoubt, TimeoutError) as error:
            self._sticker_rest[row.kind] = time.monotonic() + STICKER_REST
            raise Retry(str(error) or "The platform did not answer in time.") from None
        return content.data

    def is_public(self) -> bool:
        """Tell whether platforms can reach our webhook addresses."""
        settings = self._runtime.settings
        return settings.url.startswith("https://") or bool(settings.base_urls)

    def webhook_url(self, row: ConnectionRow) -> str:
        """Return the address a platform should call, empty where it calls none."""
        if row.kind not in adapters() or not adapters()[row.kind].manifest.webhook:
            return ""
        return f"{self._runtime.settings.url}/hooks/{row.secret}"

    def shown_config(self, row: ConnectionRow) -> dict[str, Any] | None:
        """Return settings with every secret blanked; None when they can't be opened."""
        if row.kind not in adapters():
            return None
        try:
            shown: dict[str, Any] = msgspec.to_builtins(self._runtime.connections.config(row))
        except (CannotOpen, msgspec.DecodeError):
            return None
        for field, facts in adapters()[row.kind].schema().get("properties", {}).items():
            if facts.get("x-secret"):
                shown[f"{field}_set"] = bool(shown.get(field))
                shown[field] = None
        return shown

    def widget_script(self, row: ConnectionRow) -> str:
        """Return the one line that puts a widget on a site; empty for other kinds."""
        if row.kind != "web":
            return ""
        key = getattr(self._runtime.connections.config(row), "site_key", "")
        return f'<script src="{self._runtime.settings.url}/widget.js" data-channel="{key}" async></script>'

    async def _probe(
        self, adapter: Adapter, config: msgspec.Struct, workspace: UUID, connection: UUID | None = None
    ) -> Tested:
        """Try settings; those of a `connection` with its own tokens, which may have been exchanged since."""
        try:
            channel: Channel = adapter.factory(config, self._runtime.io(workspace, connection))
            async with asyncio.timeout(PROBE_SECONDS):
                accounts = await channel.probe()
        except Reauthorise as error:
            return Tested(False, str(error), field=_credential(adapter))
        except Outcome as error:
            return Tested(False, str(error), field="config")
        except TimeoutError:
            return Tested(False, "The platform did not answer in time.", field="config")
        except Exception as error:
            log.exception("probe_failed", kind=adapter.manifest.kind)
            return Tested(False, f"The adapter failed: {type(error).__name__}", field="config")
        if not accounts:
            return Tested(False, "The credentials work, but serve no account.", field="config")
        return Tested(True, "", [AccountFound(one.external_id, one.name) for one in accounts])


def _kind(adapter: Adapter) -> Kind:
    facts = adapter.manifest
    out = {
        **msgspec.to_builtins(facts.sends),
        "windows": msgspec.to_builtins(facts.windows),
        "late_hours": facts.late_hours,
        "receipts": facts.receipts,
        "lists_templates": "list_templates" in facts.does,
    }
    return Kind(
        kind=facts.kind,
        names=msgspec.to_builtins(facts.names),
        description=msgspec.to_builtins(facts.description),
        colour=facts.colour,
        tier=facts.tier,
        config_schema=adapter.schema(),
        capabilities={"in": facts.receives, "out": out},
        guide={"en": adapter.guide("en"), "zh": adapter.guide("zh")},
        docs_url=facts.docs,
        webhook=facts.webhook,
    )


def _adapter(kind: str) -> Adapter:
    if kind not in adapters():
        raise Invalid(f"There is no kind of channel named {kind[:40]}.", field="kind")
    return adapters()[kind]


def _asked(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a form says, without blanked secrets and the marks beside them."""
    return {key: value for key, value in config.items() if value is not None and not key.endswith("_set")}


def _made_here(facts: dict[str, Any]) -> bool:
    """Public and generated: nobody may choose it, or one site could take another's visitors."""
    return bool(facts.get("x-generated")) and not facts.get("x-secret")


def _complete(adapter: Adapter, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Make what is made here and was left empty; return all settings, and the secrets to be told once."""
    filled, told = _asked(config), {}
    for field, facts in adapter.schema().get("properties", {}).items():
        if facts.get("x-generated") and (not filled.get(field) or _made_here(facts)):
            filled[field] = secrets.token_hex(16)
            if facts.get("x-secret"):
                told[field] = filled[field]
    return filled, told


def _credential(adapter: Adapter) -> str:
    """Return the field that holds what the platform refused: the first secret that a person types in."""
    for field, facts in adapter.schema().get("properties", {}).items():
        if facts.get("x-secret") and not facts.get("x-generated"):
            return f"config.{field}"
    return "config"


def _convert(adapter: Adapter, config: dict[str, Any]) -> msgspec.Struct:
    """Check settings against the adapter's Struct; raises Invalid naming the field.

    A required text that is blank is missing: with an empty secret anybody could sign.
    """
    for field in adapter.schema().get("required", []):
        value = config.get(field)
        if isinstance(value, str) and not value.strip():
            words = "This must not be empty."
            raise Invalid(words, field=f"config.{field}", code="invalid_config")
    try:
        made: msgspec.Struct = msgspec.convert(config, adapter.factory.config_type)
    except msgspec.ValidationError as error:
        problem = malformed(error, "config")
        raise Invalid(problem.detail, field=problem.field, code="invalid_config") from None
    return made
