"""Files to send: uploaded first, then named by their id in a message."""

import hashlib
from uuid import UUID

import msgspec
from litestar import post
from litestar.datastructures import UploadFile
from litestar.params import MultipartBody

from switchboard.api.auth import WithDesk, may
from switchboard.blobs import TooLarge, Unfit
from switchboard.blobs import commands as blobs
from switchboard.core.errors import Problem
from switchboard.staff.permission import Permission


class StoredFile(msgspec.Struct, frozen=True):
    """A file that was stored; `url` is signed, expires, and takes range requests."""

    id: UUID
    name: str
    mime: str
    size: int
    url: str
    width: int | None = None
    height: int | None = None
    remark: str = ""
    """A sentence when the content is not what its name says."""


class Upload(msgspec.Struct):
    """A form with one file."""

    file: UploadFile


class BadFile(Problem):
    """A file that is not taken; the text says why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail, code=code, field="file")
        self.status = status


@post(
    "/files",
    opt={**may(Permission.FILES_WRITE), "accepts": "multipart/form-data", "file": True},
    operation_id="uploadFile",
    request_max_body_size=None,
)
async def upload(data: MultipartBody[Upload], desk: WithDesk) -> StoredFile:
    """Store a file. What it is is told by its content, not by its name."""
    content = await data.file.read()
    tx = await desk.begin(hashlib.sha256(data.file.filename.encode() + b"\n" + content).digest())
    try:
        stored = await desk.context.blobs.keep(
            desk.workspace, data.file.filename, content, declared=data.file.content_type
        )
    except TooLarge as error:
        raise BadFile(413, "too_large", str(error)) from None
    except Unfit as error:
        raise BadFile(415, "unsupported_type", str(error)) from None
    who = desk.principal
    await blobs.record(tx, [stored], origin="upload", uploaded_by=who.id if who.kind == "agent" else None)
    return StoredFile(
        stored.id,
        stored.name,
        stored.mime,
        stored.size,
        desk.context.link(desk.workspace, stored.id, stored.name),
        stored.width,
        stored.height,
        stored.remark,
    )


HANDLERS = [upload]
