"""Fetches media that still lies with a platform, stores it, and puts it into its message."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import structlog

from switchboard import flow
from switchboard.app.lanes import forever
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import Content, ExtractsMedia, FetchesMedia, Outcome, Refused, Retry, Source
from switchboard.connections import reads as connection_reads
from switchboard.conversations import commands as conversations
from switchboard.core.commands import StoreMedia
from switchboard.core.parts import MEDIA, Part, Text
from switchboard.db import jobs
from switchboard.db.bus import wait
from switchboard.ingest import commands as ingest
from switchboard.media.commands import KIND, FetchMedia

log = structlog.get_logger()
AT_ONCE = 8
TRIES = 8


class MediaWorker:
    """Claims `fetch_media` jobs."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._hinted = runtime.bus.listener("jobs")

    async def run(self) -> None:
        """Never returns."""
        await forever("media", self.step, lambda: wait(self._hinted))

    async def step(self) -> bool:
        """Fetch a few; false when there was nothing to fetch."""
        async with self._runtime.db.transaction() as tx:
            claimed = await jobs.claim(tx, self._runtime.holder, [KIND], AT_ONCE)
        await asyncio.gather(*(self._fetch(job) for job in claimed))
        return bool(claimed)

    async def _fetch(self, job: jobs.Job) -> None:
        wanted = msgspec.json.decode(job.payload, type=FetchMedia)
        try:
            async with asyncio.timeout(100):
                parts = await self._parts(job.workspace_id, wanted, last=job.attempts >= TRIES)
        except (Retry, TimeoutError, OSError) as error:
            wait_for = error.after if isinstance(error, Retry) and error.after else min(600, 2**job.attempts)
            async with self._runtime.db.transaction() as tx:
                await jobs.retry(tx, job, self._runtime.holder, wait_for, str(error) or type(error).__name__)
            return
        async with self._runtime.db.transaction() as tx:
            events = []
            if parts is not None:
                events = await flow.run(tx, [StoreMedia(workspace_id=job.workspace_id, message_id=wanted.message_id, parts=parts)])
            await jobs.finish(tx, job, self._runtime.holder)
        self._runtime.announce(events)

    async def _parts(self, workspace: UUID, wanted: FetchMedia, last: bool) -> list[Part] | None:
        """Return the message's parts with what could be fetched; None when the message or its channel is gone."""
        async with self._runtime.db.transaction() as tx:
            row = await conversations.parts_of(tx, workspace, wanted.message_id)
            connection = await connection_reads.of_channel(tx, wanted.channel_id)
        live = await self._runtime.connections.by_id(connection) if connection is not None else None
        if row is None or live is None:
            return None
        account = live.account_of(wanted.channel_id)
        raw = await self._raw(workspace, wanted.raw_id) if isinstance(live.channel, ExtractsMedia) else None
        return [await self._part(live, account, part, raw, last) for part in row]

    async def _raw(self, workspace: UUID, raw_id: UUID | None) -> bytes | None:
        if raw_id is None:
            return None
        async with self._runtime.db.transaction() as tx:
            body, path = await ingest.raw_body(tx, workspace, raw_id)
        return await self._runtime.blobs.read(path) if path else body

    async def _part(self, live: Live, account: str, part: Part, raw: bytes | None, last: bool) -> Part:
        if isinstance(part, Text) and part.html is not None and part.html_file is None:
            content = await self._load(live, account, part.html, raw, last)
            if isinstance(content, str):
                return msgspec.structs.replace(part, html=None)
            stored = await self._runtime.files.keep(live.row.workspace_id, content, origin="html")
            return msgspec.structs.replace(part, html_file=stored.id)
        if not isinstance(part, MEDIA) or part.source is None or part.file_id is not None:
            return part
        content = await self._load(live, account, part.source, raw, last)
        if isinstance(content, str):
            return msgspec.structs.replace(part, state="failed", error=content)
        try:
            stored = await self._runtime.files.keep(live.row.workspace_id, content, name=part.name)
        except Refused as error:
            return msgspec.structs.replace(part, state="failed", error=str(error))
        changes: dict[str, Any] = {"file_id": stored.id, "state": "stored", "size": stored.size, "mime": stored.mime, "name": stored.name}
        return msgspec.structs.replace(part, **changes)

    async def _load(self, live: Live, account: str, source: Source, raw: bytes | None, last: bool) -> Content | str:
        """Return the content, or the sentence that says why there is none; raises Retry when it is worth trying again."""
        try:
            if isinstance(live.channel, ExtractsMedia) and raw is not None:
                return live.channel.extract_media(raw, source)
            if isinstance(live.channel, FetchesMedia):
                return await live.channel.fetch_media(account, source)
            return "This channel can't fetch files."
        except Retry as error:
            if last:
                return str(error)
            raise
        except Outcome as error:
            return str(error)
        except Exception as error:
            log.error("media_failed", kind=live.row.kind, error=repr(error))
            return f"The file could not be read: {type(error).__name__}"
