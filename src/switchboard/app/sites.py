"""The sites whose visitors and apps talk to us: found by their public key, heard through the door of every webhook."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.app.accept import Acceptor, read
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import RawRequest
from switchboard.channels.web.channel import WebChannel, WebConfig
from switchboard.workspace import visitors

KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Site(msgspec.Struct, frozen=True):
    """A widget's channel: its connection, its channel id, its settings."""

    live: Live
    channel_id: UUID
    config: WebConfig

    @property
    def channel(self) -> WebChannel:
        """The adapter, which knows the identity secret."""
        assert isinstance(self.live.channel, WebChannel)
        return self.live.channel


class Sites:
    """Finds sites and files what their visitors say."""

    def __init__(self, runtime: Runtime, acceptor: Acceptor) -> None:
        self._runtime = runtime
        self._acceptor = acceptor

    async def find(self, key: str) -> Site | None:
        """Return the site of a public key; None when there is none or it is switched off."""
        live = await self._runtime.connections.by_account("web", key) if KEY.fullmatch(key) else None
        if live is None:
            return None
        config = self._runtime.connections.config(live.row)
        assert isinstance(config, WebConfig)
        return Site(live, live.channels[key], config)

    async def online(self, site: Site) -> bool:
        """Tell whether any agent is there."""
        async with self._runtime.db.transaction() as tx:
            return await visitors.anybody_online(tx, site.live.row.workspace_id)

    async def accept(self, site: Site, body: dict[str, Any]) -> None:
        """Send a visitor's events through the door that every webhook uses; returns after the commit."""
        request = RawRequest(
            "SOCKET", f"widget:{site.config.site_key}", {}, {}, msgspec.json.encode(body), datetime.now(UTC)
        )
        facts, error = read(site.live, request)
        await self._acceptor.take(site.live, request, facts, error)


def allowed(origins: list[str], origin: str, own: str) -> bool:
    """Tell whether a page may use the widget: any when the site names none; apps, which name no origin, and our own
    pages always.
    """
    return (
        not origins
        or not origin
        or origin.rstrip("/") in {one.rstrip("/") for one in origins}
        or origin == own
    )
