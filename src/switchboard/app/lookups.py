"""Asks platforms who somebody is and what a post says (`contacts.lookups` queues the questions)."""

import asyncio
from uuid import UUID

import msgspec
import structlog

from switchboard import flow
from switchboard.app.lanes import forever
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import (
    Claim,
    Content,
    FetchesMedia,
    FetchesPost,
    FetchesProfile,
    InDoubt,
    Outcome,
    Reauthorise,
    Retry,
    Source,
)
from switchboard.connections import reads as connection_reads
from switchboard.contacts.lookups import KIND, ROOM, LookUp
from switchboard.core.commands import DescribeContact
from switchboard.db import jobs
from switchboard.db.bus import wait

log = structlog.get_logger()
AT_ONCE = 4
TRIES = 5
TRY_SECONDS = 60
AVATAR_BYTES = 2_000_000


class LookUps:
    """Claims `look_up` jobs. Nothing waits for them: a person without a name is answered just as well."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._hinted = runtime.bus.listener("jobs")

    async def run(self) -> None:
        """Never returns."""
        await forever("lookups", self.step, lambda: wait(self._hinted))

    async def step(self) -> bool:
        """Answer a few questions; false when there was none."""
        async with self._runtime.db.transaction() as tx:
            claimed = await jobs.claim(tx, self._runtime.holder, [KIND], AT_ONCE)
        await asyncio.gather(*(self._one(job) for job in claimed))
        return bool(claimed)

    async def _one(self, job: jobs.Job) -> None:
        wanted = msgspec.json.decode(job.payload, type=LookUp)
        told: DescribeContact | None = None
        problem = ""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                told = await self._ask(job, wanted)
        except (Retry, InDoubt, Reauthorise, TimeoutError, OSError) as error:  # asking twice harms nobody
            problem = str(error) or type(error).__name__
            if job.attempts < TRIES:
                after = error.after if isinstance(error, Retry) and error.after else min(600, 4**job.attempts)
                async with self._runtime.db.transaction() as tx:
                    await jobs.retry(tx, job, self._runtime.holder, after, problem)
                return
        except Outcome as error:
            problem = str(error)
        except Exception as error:
            log.error("lookup_failed", error=repr(error))
            problem = type(error).__name__
        async with self._runtime.db.transaction() as tx:
            events = await flow.run(tx, [told]) if told is not None else []
            await jobs.finish(tx, job, self._runtime.holder, problem)
        self._runtime.announce(events)

    async def _ask(self, job: jobs.Job, wanted: LookUp) -> DescribeContact | None:
        async with self._runtime.db.transaction() as tx:
            connection = await connection_reads.of_channel(tx, wanted.channel_id)
        live = await self._runtime.connections.by_id(connection) if connection is not None else None
        if live is None:
            return None
        account = live.account_of(wanted.channel_id)
        if wanted.space.startswith(ROOM):
            return await self._post(job, live, account, wanted)
        if not isinstance(live.channel, FetchesProfile):
            return None
        found = await live.channel.fetch_profile(account, Claim(wanted.space, wanted.value))
        return DescribeContact(
            workspace_id=job.workspace_id,
            contact_id=wanted.contact_id,
            name=found.name,
            unnamed=wanted.value,
            language=found.language,
            avatar_file=await self._avatar(job, live, account, found.avatar),
            identities=[(one.space, one.value) for one in found.claims if one.verified],
            attributes=dict(found.data),
        )

    async def _post(self, job: jobs.Job, live: Live, account: str, wanted: LookUp) -> DescribeContact | None:
        if not isinstance(live.channel, FetchesPost):
            return None
        post = await live.channel.fetch_post(account, wanted.value.removeprefix("post:"))
        return DescribeContact(
            workspace_id=job.workspace_id,
            contact_id=wanted.contact_id,
            name=" ".join(post.text.split())[:80],
            unnamed=wanted.value,
            avatar_file=await self._avatar(job, live, account, Source(url=post.picture))
            if post.picture
            else None,
            attributes={"post": msgspec.to_builtins(post)},
        )

    async def _avatar(self, job: jobs.Job, live: Live, account: str, source: Source | None) -> UUID | None:
        """Keep the picture of a person or post; one without is no trouble."""
        if source is None:
            return None
        try:
            if source.url:
                answer = await self._runtime.http.request("GET", source.url, max_bytes=AVATAR_BYTES)
                if answer.status != 200:
                    return None
                mime = answer.headers.get("content-type", "")
                content = Content("avatar", mime, answer.body)
            elif isinstance(live.channel, FetchesMedia):
                content = await live.channel.fetch_media(account, source)
            else:
                return None
            kept = await self._runtime.files.keep(job.workspace_id, content, name="avatar", origin="avatar")
        except Outcome:
            return None
        return kept.id if kept.mime.startswith("image/") else None
