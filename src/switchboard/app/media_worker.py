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
TRY_SECONDS = 100
"""Less than a claim lasts, so that nobody else begins meanwhile."""


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
        ended = await asyncio.gather(*(self._fetch(job) for job in claimed), return_exceptions=True)
        for error in ended:  # only now, so that one does not cut the others short
            if error is not None:
                raise error
        return bool(claimed)

    async def _fetch(self, job: jobs.Job) -> None:
        """Do one job: whatever stands in its way, it is tried again later, and given up after the last try."""
        wanted = msgspec.json.decode(job.payload, type=FetchMedia)
        last = job.attempts >= TRIES
        try:
            async with asyncio.timeout(TRY_SECONDS):
                parts = await self._parts(job.workspace_id, wanted, last)
        except Exception as error:
            if not isinstance(error, Retry | TimeoutError | OSError):
                log.error("media_failed", message=str(wanted.message_id), error=repr(error))
            if not last:
                await self._later(job, error)
                return
            parts = await self._give_up(job.workspace_id, wanted)
        async with self._runtime.db.transaction() as tx:
            events = []
            if parts is not None:
                store = StoreMedia(workspace_id=job.workspace_id, message_id=wanted.message_id, parts=parts)
                events = await flow.run(tx, [store])
            await jobs.finish(tx, job, self._runtime.holder)
        self._runtime.announce(events)

    async def _later(self, job: jobs.Job, error: Exception) -> None:
        after = error.after if isinstance(error, Retry) and error.after else min(600, 2**job.attempts)
        async with self._runtime.db.transaction() as tx:
            await jobs.retry(tx, job, self._runtime.holder, after, str(error) or type(error).__name__)

    async def _give_up(self, workspace: UUID, wanted: FetchMedia) -> list[Part] | None:
        async with self._runtime.db.transaction() as tx:
            row = await conversations.parts_of(tx, workspace, wanted.message_id)
        return None if row is None else [_failed(part, "The file could not be fetched.") for part in row]

    async def _parts(self, workspace: UUID, wanted: FetchMedia, last: bool) -> list[Part] | None:
        """Return the message's parts with what could be fetched; None when the message or its channel is gone."""
        async with self._runtime.db.transaction() as tx:
            row = await conversations.parts_of(tx, workspace, wanted.message_id)
            connection = await connection_reads.of_channel(tx, wanted.channel_id)
        live = await self._runtime.connections.by_id(connection) if connection is not None else None
        if row is None or live is None:
            return None
        account = live.account_of(wanted.channel_id)
        inside = await self._inside(live, wanted.raw_id, row)
        return [await self._part(live, account, part, inside, last) for part in row]

    async def _inside(
        self, live: Live, raw_id: UUID | None, parts: list[Part]
    ) -> dict[Source, Content | str]:
        """What lies in the raw body, taken apart once, and off the event loop: a large mail takes seconds."""
        sources = [source for part in parts if (source := _missing(part)) is not None]
        if raw_id is None or not sources or not isinstance(live.channel, ExtractsMedia):
            return {}
        async with self._runtime.db.transaction() as tx:
            body, path = await ingest.raw_body(tx, live.row.workspace_id, raw_id)
        raw = await self._runtime.blobs.read(path) if path else body
        if raw is None:
            return {}
        try:
            found = await asyncio.to_thread(live.channel.extract_media, raw, sources)
        except Exception as error:
            log.error("media_failed", kind=live.row.kind, error=repr(error))
            return dict.fromkeys(sources, f"The file could not be read: {type(error).__name__}")
        answers = [one if isinstance(one, Content) else str(one) for one in found]
        return dict(zip(sources, answers, strict=True))

    async def _part(
        self, live: Live, account: str, part: Part, inside: dict[Source, Content | str], last: bool
    ) -> Part:
        source = _missing(part)
        if source is None:
            return part
        content = inside[source] if source in inside else await self._load(live, account, source, last)
        if isinstance(content, str):
            return _failed(part, content)
        try:
            return await self._kept(live.row.workspace_id, part, content)
        except Refused as error:
            return _failed(part, str(error))

    async def _kept(self, workspace: UUID, part: Part, content: Content) -> Part:
        if isinstance(part, Text):
            page = await self._runtime.files.keep(workspace, content, origin="html")
            return msgspec.structs.replace(part, html_file=page.id)
        assert isinstance(part, MEDIA)
        stored = await self._runtime.files.keep(workspace, content, name=part.name)
        changes: dict[str, Any] = {"file_id": stored.id, "state": "stored", "size": stored.size}
        return msgspec.structs.replace(part, **changes, mime=stored.mime, name=stored.name)

    async def _load(self, live: Live, account: str, source: Source, last: bool) -> Content | str:
        """Return the content, or the sentence that says why there is none; raises Retry when it is worth trying again."""
        try:
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


def _missing(part: Part) -> Source | None:
    """Return where the file of a part lies that we don't keep yet; None when there is nothing to fetch."""
    if isinstance(part, Text):
        return part.html if part.html_file is None else None
    return part.source if isinstance(part, MEDIA) and part.file_id is None else None


def _failed(part: Part, why: str) -> Part:
    """Return a part whose file won't come; a mail without its HTML is shown as plain text."""
    if _missing(part) is None:
        return part
    if isinstance(part, Text):
        return msgspec.structs.replace(part, html=None)
    return msgspec.structs.replace(part, state="failed", error=why)
