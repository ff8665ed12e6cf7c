"""What every loop and door of a process shares."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import msgspec
import structlog

from switchboard.app.config import Settings, link_key
from switchboard.app.tokens import Tokens, TriedTokens
from switchboard.blobs import Blobs, Signer, StoredFile, TooLarge, Unfit
from switchboard.blobs import commands as blob_commands
from switchboard.blobs import reads as blob_reads
from switchboard.channels.api import Acks, Channel, Content, Converses, Http, Prepares, Stream, Token
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import reads as connection_reads
from switchboard.core.events import (
    ChannelChanged,
    ConversationChanged,
    ConversationQueued,
    DeliveryChanged,
    Event,
    MediaWanted,
    PresenceChanged,
    WorkEnded,
)
from switchboard.core.ids import new_id
from switchboard.core.outcomes import Refused
from switchboard.db.bus import Bus, wait
from switchboard.db.pool import Database
from switchboard.net.guard import Guard
from switchboard.net.http import GuardedHttp
from switchboard.secrecy import Sealer, keys_from_file, keys_from_text

log = structlog.get_logger()
REFRESH_SECONDS = 2.0
POSTER = "/poster.png"
"""The still picture that stands for any video; it lies among the pages (`frontend/apps/workspace/public`)."""
HINTS: dict[type[Event], str] = {
    ConversationQueued: "queue",
    PresenceChanged: "queue",
    WorkEnded: "queue",
    DeliveryChanged: "outbound",
    MediaWanted: "jobs",
    ChannelChanged: "channels",
}
"""Which loop an event should wake, besides those that follow the log."""


class Live(msgspec.Struct, frozen=True):
    """A connection ready for use: its facts, its adapter, its accounts as channel ids."""

    row: connection_reads.ConnectionRow
    adapter: Adapter
    channel: Channel
    channels: dict[str, UUID]
    acks: Acks | None = None
    speaks: Converses | None = None
    prepares: Prepares | None = None

    def account_of(self, channel_id: UUID) -> str:
        """Return the platform's id of one of our channels; raises KeyError for another connection's."""
        for account, found in self.channels.items():
            if found == channel_id:
                return account
        raise KeyError(channel_id)


class ConnectionIo:
    """The outside world for one connection's adapter (`channels.api.Io`)."""

    def __init__(self, runtime: "Runtime", workspace: UUID, connection: UUID | None) -> None:
        self._runtime = runtime
        self._workspace = workspace
        self._connection = connection
        self._tried = TriedTokens()
        self.http: Http = runtime.http
        self.http2: Http = runtime.http2

    async def resolve(self, host: str, port: int) -> Stream:
        return await self._runtime.guard.resolve(host, port)

    async def file(self, file_id: UUID) -> Content:
        found = await self._runtime.files.load(self._workspace, file_id)
        if found is None:
            raise Refused("The file to send is gone.", code="file_gone")
        return found

    async def token(self, name: str, fetch: Callable[[], Awaitable[Token]], instead_of: str = "") -> str:
        if self._connection is None:
            return await self._tried.get(name, fetch, instead_of)
        return await self._runtime.tokens.get(self._workspace, self._connection, name, fetch, instead_of)

    def platform_url(self, name: str, default: str) -> str:
        return self._runtime.settings.base_urls.get(name, default)


class Runtime:
    """Databases, files, keys, outgoing HTTP, the bus, and the connections in use."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self.settings = settings
        self.dsn = dsn
        self.holder = new_id()
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.db = Database(dsn, size=settings.pool)
        self.api_db = Database(dsn, api=True, size=settings.pool)
        self.bus = Bus(dsn)
        self.guard = Guard(settings.outbound_allow)
        self.http = GuardedHttp(self.guard)
        self.http2 = GuardedHttp(self.guard, http2=True)
        key_file = settings.data / "secret.key"
        self.sealer = Sealer(
            keys_from_text(settings.secret_key) if settings.secret_key else keys_from_file(key_file)
        )
        self.tokens = Tokens(self.db, self.sealer)
        self.signer_key = link_key(settings)
        self.signer = Signer(self.signer_key)
        self.blobs = Blobs(settings.files_url or settings.data / "files", limit=settings.max_file)
        self.files = StoredFiles(self)
        self.connections = Connections(self)

    async def open(self) -> None:
        """Connect to the database."""
        await self.db.open()
        await self.api_db.open()

    async def close(self) -> None:
        """Let go of everything."""
        await self.http.aclose()
        await self.http2.aclose()
        self.guard.close()
        await self.api_db.close()
        await self.db.close()

    def announce(self, events: Iterable[Event]) -> None:
        """Wake the loops that these events concern. Call it after commit."""
        topics = {"events"}
        for event in events:
            if type(event) in HINTS:
                topics.add(HINTS[type(event)])
            elif isinstance(event, ConversationChanged) and event.what == "read":
                self.bus.say({"agent_read": str(event.subject), "workspace": str(event.workspace_id)})
        self.bus.hint(*sorted(topics))

    def link(self, workspace: UUID, file_id: UUID, name: str) -> str:
        """Return the signed link of a file."""
        return self.signer.link(workspace, file_id, name)

    def io(self, workspace: UUID, connection: UUID | None = None) -> ConnectionIo:
        """Return the outside world as an adapter of this workspace may touch it; without a connection for a trial only."""
        return ConnectionIo(self, workspace, connection)


class Connections:
    """The connections in use, built once per revision."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._live: dict[UUID, Live] = {}
        self._by_secret: dict[str, UUID] = {}
        self._changed = runtime.bus.listener("channels")

    async def by_secret(self, secret: str) -> Live | None:
        """Find the connection behind a webhook address; None when there is none or it is switched off."""
        known = self._by_secret.get(secret)
        if known is not None and known in self._live:
            return self._live[known]
        async with self._runtime.db.transaction() as tx:
            row = await connection_reads.by_secret(tx, secret)
        return await self._build(row)

    async def by_id(self, connection: UUID) -> Live | None:
        """Find a connection; None when there is none or it is switched off."""
        if connection in self._live:
            return self._live[connection]
        async with self._runtime.db.transaction() as tx:
            row = await connection_reads.by_id(tx, connection)
        return await self._build(row)

    async def by_account(self, kind: str, account: str) -> Live | None:
        """Find the connection of a kind that serves an account; None when there is none or it is switched off."""
        for live in self._live.values():
            if live.row.kind == kind and account in live.channels:
                return live
        async with self._runtime.db.transaction() as tx:
            found = await connection_reads.by_account(tx, kind, account)
        live_or_none = await self.by_id(found) if found is not None else None
        return live_or_none if live_or_none is not None and account in live_or_none.channels else None

    async def _build(self, row: connection_reads.ConnectionRow | None) -> Live | None:
        if row is None or row.disabled_at is not None or row.kind not in adapters():
            return None
        async with self._runtime.db.transaction() as tx:
            channels = await connection_reads.channels_of(tx, [row.id])
        channel = self.adapter(row)
        live = Live(
            row,
            adapters()[row.kind],
            channel,
            {one.external_id: one.id for one in channels},
            # Asked at every request, and slow to find out.
            channel if isinstance(channel, Acks) else None,
            channel if isinstance(channel, Converses) else None,
            channel if isinstance(channel, Prepares) else None,
        )
        self._live[row.id] = live
        self._by_secret[row.secret] = row.id
        return live

    def adapter(self, row: connection_reads.ConnectionRow) -> Channel:
        """Build the adapter of a connection with its opened credentials."""
        return adapters()[row.kind].factory(self.config(row), self._runtime.io(row.workspace_id, row.id))

    def config(self, row: connection_reads.ConnectionRow) -> msgspec.Struct:
        """Open the credentials of a connection."""
        opened = self._runtime.sealer.open(
            row.config_sealed, workspace=row.workspace_id, purpose="connection"
        )
        return msgspec.json.decode(opened, type=adapters()[row.kind].factory.config_type)

    async def watch(self) -> None:
        """Forget connections whose revision or status changed. Never returns."""
        while True:
            await wait(self._changed, REFRESH_SECONDS)
            try:
                await self._refresh()
            except Exception as error:  # the database may be away for a moment
                log.warning("connections_refresh", error=str(error))

    async def _refresh(self) -> None:
        async with self._runtime.db.transaction() as tx:
            present = await connection_reads.live(tx)
        for key, live in list(self._live.items()):
            if key not in present or present[key][2:] != (live.row.revision, live.row.status):
                del self._live[key]
                self._by_secret.pop(live.row.secret, None)
                self._runtime.tokens.forget(key)


class StoredFiles:
    """Files by id, for adapters, the media job and the file door."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def row(self, workspace: UUID, file_id: UUID) -> StoredFile | None:
        """Return a file's row; None when there is none."""
        async with self._runtime.db.transaction() as tx:
            return (await blob_reads.find(tx, workspace, [file_id])).get(file_id)

    async def load(self, workspace: UUID, file_id: UUID) -> Content | None:
        """Return a stored file whole, with a public link; None when there is none."""
        row = await self.row(workspace, file_id)
        if row is None:
            return None
        url = self._runtime.settings.url + self._runtime.link(workspace, file_id, row.name)
        poster = self._runtime.settings.url + POSTER if row.mime.startswith("video/") else ""
        return Content(row.name, row.mime, await self._runtime.blobs.read(row.path), url, poster)

    async def keep(
        self, workspace: UUID, content: Content, *, name: str = "", origin: str = ""
    ) -> StoredFile:
        """Store content that came from a platform; raises Refused with a sentence when it may not be kept."""
        try:
            stored = await self._runtime.blobs.keep(
                workspace, name or content.name or "file", content.data, declared=content.mime
            )
        except (TooLarge, Unfit) as error:
            raise Refused(str(error), code="unfit") from error
        async with self._runtime.db.transaction() as tx:
            await blob_commands.record(tx, [stored], origin=origin)
        return stored
