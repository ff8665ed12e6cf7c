"""Where the bytes lie: a local directory, or any object store that obstore knows by URL."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from switchboard.blobs.content import HEAD_BYTES, identify
from switchboard.core.ids import new_id

MAX_FILE: Final = 100_000_000
CHUNK_BYTES: Final = 256 * 1024
_NAME_LIMIT: Final = 200


class TooLarge(Exception):
    """A file passes the limit; the text can be shown."""


class Stored(msgspec.Struct, frozen=True):
    """Bytes that lie safe: where, their SHA-256, how many, and how they begin (at most HEAD_BYTES)."""

    path: str
    sha256: bytes
    size: int
    head: bytes


class StoredFile(msgspec.Struct, frozen=True):
    """A row of `file`. `remark` tells the reader when the content isn't what it was said to be."""

    workspace_id: UUID
    id: UUID
    name: str
    mime: str
    size: int
    sha256: bytes
    path: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    remark: str = ""


class Blobs:
    """Bytes by path. `place` is a directory or a URL such as `s3://bucket/prefix`.

    Keys and endpoint of an object store are its own variables of the environment (AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP), read by obstore.
    """

    def __init__(self, place: str | Path, *, limit: int = MAX_FILE) -> None:
        self._limit = limit
        self._root: Path | None = None
        if isinstance(place, str) and "://" in place:
            self._store: ObjectStore = from_url(place)
        else:
            self._root = Path(place)
            if not self._root.is_dir():
                self._root.mkdir(mode=0o700, parents=True)
            self._store = LocalStore(self._root, automatic_cleanup=True)

    async def put(self, workspace: UUID, source: bytes | AsyncIterable[bytes]) -> Stored:
        """Store a new file under a fresh path; raises TooLarge, OSError. A failure leaves nothing behind."""
        key = new_id()
        # Sharded by random bits: the first digits of an id are its time, the same for all files of a day.
        return await self.put_at(f"{workspace}/files/{key.hex[-2:]}/{key}", source)

    async def put_at(self, path: str, source: bytes | AsyncIterable[bytes]) -> Stored:
        """Store under a path of the caller's choice, overwriting; on return it survives a power cut."""
        meter = _Meter(self._limit)
        if isinstance(source, bytes):
            await asyncio.to_thread(meter.take, source)
            await obstore.put_async(self._store, path, source)
        else:
            await obstore.put_async(self._store, path, meter.through(source))
        if self._root is not None:
            await asyncio.to_thread(_flush, self._root, path)
        return Stored(path, meter.digest.digest(), meter.size, bytes(meter.head))

    async def keep(
        self,
        workspace: UUID,
        name: str,
        source: bytes | AsyncIterable[bytes],
        *,
        declared: str = "",
        duration: float | None = None,
    ) -> StoredFile:
        """Store a file and tell what it is; the caller records it. Raises TooLarge, Unfit, OSError."""
        if isinstance(source, bytes):  # all of it is at hand: find out before storing
            kind = await asyncio.to_thread(identify, source, name=name, declared=declared)
            stored = await self.put(workspace, source)
        else:
            stored = await self.put(workspace, source)
            try:
                kind = await asyncio.to_thread(identify, stored.head, name=name, declared=declared)
            except BaseException:
                await self.delete([stored.path])
                raise
        return StoredFile(
            workspace_id=workspace,
            id=new_id(),
            name=clean_name(name),
            mime=kind.mime,
            size=stored.size,
            sha256=stored.sha256,
            path=stored.path,
            width=kind.width,
            height=kind.height,
            duration=duration,
            remark=kind.remark,
        )

    async def open(self, path: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Return the bytes from `start` up to `end` in chunks; raises FileNotFoundError at once."""
        if end is not None and end <= start:
            return _chunks(None)
        options: obstore.GetOptions = {"range": {"offset": start} if end is None else (start, end)}
        found = await obstore.get_async(self._store, path, options=options)
        return _chunks(found.stream(min_chunk_size=CHUNK_BYTES))

    async def read(self, path: str) -> bytes:
        """Return a file whole; raises FileNotFoundError."""
        found = await obstore.get_async(self._store, path)
        return bytes(await found.bytes_async())

    async def delete(self, paths: Sequence[str]) -> None:
        """Delete files; those already gone are fine."""
        for path in paths:
            try:
                await obstore.delete_async(self._store, path)
            except FileNotFoundError:
                continue


class _Meter:
    """Counts, hashes and remembers the beginning of what passes; raises TooLarge when it is too much."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.digest = hashlib.sha256()
        self.head = bytearray()

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.limit:
            raise TooLarge(f"This file is larger than {self.limit // 1_000_000} MB.")
        self.digest.update(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]

    async def through(self, source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in source:
            if chunk:
                self.take(chunk)
                yield chunk


def _flush(root: Path, path: str) -> None:
    """Bring a file and its name to the disk."""
    place = root / path
    for one in (place, place.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


async def _chunks(stream: AsyncIterable[bytes] | None) -> AsyncIterator[bytes]:
    if stream is not None:
        async for chunk in stream:
            yield bytes(chunk)  # obstore's own buffer type otherwise


def clean_name(name: str) -> str:
    """Return a file's name without folders and control characters, cut to 200 but for its ending."""
    last = name.replace("\\", "/").rpartition("/")[2]
    cleaned = "".join(one for one in last if one.isprintable()).strip(" .") or "file"
    if len(cleaned) > _NAME_LIMIT:
        stem, dot, end = cleaned.rpartition(".")
        tail = dot + end if stem and len(end) <= 10 else ""
        cleaned = cleaned[: _NAME_LIMIT - len(tail)] + tail
    return cleaned
