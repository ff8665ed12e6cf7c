"""Multipart uploads at plain ASGI doors: one file, streamed to the store, never whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from multipart import (  # type: ignore[import-untyped]  # typed inside, but without the marker
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from switchboard.app.door import Receive, Scope
from switchboard.app.runtime import Runtime
from switchboard.blobs import StoredFile, TooLarge, Unfit
from switchboard.blobs import commands as blobs

CHUNK_SECONDS = 30


class UploadError(Exception):
    """A file that is not taken; the text is a sentence for the sender."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


async def receive_upload(
    runtime: Runtime, workspace: UUID, scope: Scope, receive: Receive, limit: int
) -> StoredFile:
    """Store the part named `file` and return it; raises UploadError (400, 413, 415)."""
    kind = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"content-type"), "")
    name, options = parse_options_header(kind)
    if name != "multipart/form-data" or "boundary" not in options:
        raise UploadError(415, "Send the file as multipart/form-data.")
    source = _File(receive, options["boundary"], limit)
    try:
        await source.open()
        stored = await runtime.blobs.keep(workspace, source.name, source, declared=source.mime)
    except MultipartError as error:
        raise UploadError(400, f"The form can't be read: {error}.") from error
    except TooLarge as error:
        raise UploadError(413, str(error)) from error
    except Unfit as error:
        raise UploadError(415, str(error)) from error
    except TimeoutError as error:
        raise UploadError(408, "The upload was too slow.") from error
    async with runtime.db.transaction() as tx:
        await blobs.record(tx, [stored], origin="visitor")
    return stored


class _File:
    """The first part with a file name, chunk by chunk as the network brings it."""

    def __init__(self, receive: Receive, boundary: str, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._parser = PushMultipartParser(boundary, max_header_count=16)
        self._events: list[object] = []
        self._more = True
        self.name = "file"
        self.mime = ""

    async def open(self) -> None:
        """Read up to the head of the file; raises UploadError when there is none."""
        while True:
            event = await self._next()
            if event is None:
                raise UploadError(400, "The form has no file.")
            if isinstance(event, MultipartSegment) and event.filename:
                self.name, self.mime = event.filename, event.content_type or ""
                return

    async def _next(self) -> object | None:
        while not self._events:
            if not self._more:
                return None
            async with asyncio.timeout(CHUNK_SECONDS):
                message = await self._receive()
            if message["type"] == "http.disconnect":
                raise UploadError(400, "The upload was cut off.")
            self._more = bool(message.get("more_body"))
            self._events += [_own(event) for event in self._parser.parse(message.get("body", b""))]
            if not self._more:
                self._parser.close()
        return self._events.pop(0)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        while (
            (event := await self._next()) is not None
            and not isinstance(event, MultipartSegment)
            and event != b""
        ):
            assert isinstance(event, bytes)
            size += len(event)
            if size > self._limit:
                raise UploadError(413, f"Files may have at most {max(0, self._limit) // 1_000_000} MB here.")
            yield event


def _own(event: object) -> object:
    """Keep a chunk beyond the parser's buffer; the end of a part becomes empty bytes."""
    if event is None:
        return b""
    return bytes(event) if isinstance(event, bytearray | memoryview) else event
