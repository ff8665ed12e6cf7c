"""Reads kept raw bodies again, after a fix."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from switchboard.app.accept import Acceptor, read
from switchboard.app.runtime import Runtime
from switchboard.channels.api import RawRequest
from switchboard.connections import reads as connection_reads
from switchboard.core.errors import Conflict, NotFound
from switchboard.ingest import commands as ingest
from switchboard.secrecy import CannotOpen


class Replayer:
    """Lets dead letters try again."""

    def __init__(self, runtime: Runtime, acceptor: Acceptor) -> None:
        self._runtime = runtime
        self._acceptor = acceptor

    async def fact(self, workspace: UUID, fact_id: UUID) -> bool:
        """Let a parked fact try again; false when there is none."""
        async with self._runtime.db.transaction() as tx:
            parked = await ingest.parked(tx, workspace, fact_id)
            if parked is None:
                return False
            channel = None
            if parked["channel_id"] is None and parked["connection_id"] is not None:
                account = msgspec.json.decode(parked["body"]).get("account", "")
                known = await connection_reads.channels_of(tx, [parked["connection_id"]])
                channel = next((one.id for one in known if one.external_id == account), None)
                if channel is None:
                    raise Conflict("The account is still unknown: connect it first.", code="unknown_account")
            await ingest.replay(tx, workspace, fact_id, channel)
        self._runtime.bus.hint("facts")
        return True

    async def raw(self, workspace: UUID, raw_id: UUID) -> bool:
        """Read an unreadable body again; false when there is none. Raises Conflict while it still can't be read."""
        async with self._runtime.db.transaction() as tx:
            row = await ingest.raw(tx, workspace, raw_id)
        if row is None or row["error"] is None:
            return False
        try:
            live = await self._runtime.connections.by_id(row["connection_id"])
        except CannotOpen:
            raise Conflict(
                "The stored credentials can't be opened; enter them again.", code="unreadable"
            ) from None
        if live is None:
            raise NotFound("The connection of this message has been removed.")
        body = row["body"] if row["body"] is not None else await self._runtime.blobs.read(row["body_path"])
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        request = RawRequest(row["method"], row["url"], {}, headers, body, datetime.now(UTC))
        facts, error = read(live, request)
        if error is not None:
            raise Conflict(f"It still can't be read: {error}", code="unreadable")
        await self._acceptor.take(live, request, facts)
        async with self._runtime.db.transaction() as tx:
            await ingest.settle_raw(tx, workspace, raw_id)
        return True
