"""Pictures from elsewhere: fetched by us when somebody asks, so that neither senders nor platforms see who reads."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from switchboard.api.auth import WithDesk, may
from switchboard.api.conversations import said, seen
from switchboard.blobs import Unfit, identify
from switchboard.blobs import reads as blobs
from switchboard.connections import reads as connections
from switchboard.core.errors import Invalid, NotFound
from switchboard.core.html import remote_pictures
from switchboard.core.outcomes import Outcome
from switchboard.staff.permission import Permission

SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")
LARGEST = 10_000_000
SECONDS = 10
Address = Annotated[
    str, QueryParameter(description="The picture's address, as the mail names it.", max_length=4000)
]

StickerKey = Annotated[
    str, QueryParameter(description="The platform's name of it, such as LINE's `446:1988`.", max_length=200)
]


@get(
    "/messages/{message_id:uuid}/picture",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="readRemotePicture",
    media_type="image/*",
)
async def read_picture(message_id: FromPath[UUID], url: Address, desk: WithDesk) -> Response[bytes]:
    """Fetch a picture that a mail shows from another host; only addresses that stand in that mail."""
    context = desk.context
    async with context.api_db.transaction(desk.workspace) as tx:
        message = await said(desk, tx, message_id)
        await seen(desk, tx, message.conversation_id)
        ids = [UUID(str(part["html_file"]["id"])) for part in message.parts if part.get("html_file")]
        rows = await blobs.find(tx, desk.workspace, ids)
    pages = [(await context.blobs.read(row.path)).decode("utf-8", "replace") for row in rows.values()]
    if not any(url in remote_pictures(page) for page in pages):
        raise NotFound("There is no such picture in this message.")
    try:
        answer = await context.http.request("GET", url, timeout=SECONDS, max_bytes=LARGEST)
        kind = identify(answer.body, declared=answer.headers.get("content-type", ""))
    except (Outcome, Unfit) as error:
        raise Invalid(f"The picture can't be fetched: {error}", field="url", code="unfetchable") from None
    if answer.status != 200 or kind.mime not in SHOWN:
        raise Invalid("The other host has no picture there any more.", field="url", code="no_picture")
    headers = {
        "cache-control": "private, max-age=86400",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(answer.body, media_type=kind.mime, headers=headers)


@get(
    "/channels/{channel_id:uuid}/sticker",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="readSticker",
    media_type="image/*",
)
async def read_sticker(channel_id: FromPath[UUID], key: StickerKey, desk: WithDesk) -> Response[bytes]:
    """Show a sticker that a channel sends. The kinds' capabilities list the packs."""
    context = desk.context
    async with context.api_db.transaction(desk.workspace) as tx:
        rows = await connections.channels(tx, desk.workspace)
    row = next((one for one in rows if one.id == channel_id), None)
    if row is None:
        raise NotFound("There is no such channel.")
    try:
        picture = await context.connector.sticker(row, key)
    except Outcome as error:
        raise Invalid(f"The picture can't be fetched: {error}", field="key", code="unfetchable") from None
    headers = {
        "cache-control": "private, max-age=604800",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(picture.data, media_type=picture.mime, headers=headers)


HANDLERS = [read_picture, read_sticker]
