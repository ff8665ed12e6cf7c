"""Dead letters: what could not be read or carried out; an administrator reads, replays or discards it."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath

from switchboard.api.auth import WithDesk, may
from switchboard.api.desk import Desk
from switchboard.api.paging import Cursor, Limit, Page, seal, unseal_id
from switchboard.connections import reads as connections
from switchboard.core.errors import NotFound
from switchboard.db.pool import Tx
from switchboard.ingest import commands as ingest_verbs
from switchboard.ingest import reads as ingest
from switchboard.staff.permission import Permission

MAX_BODY = 256_000
"""So many bytes of a letter are shown."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A letter with its beginning; `kind` is the kind of channel it came by."""

    id: UUID
    received_at: datetime
    kind: str
    channel_name: str
    error: str
    body_preview: str
    state: str


class DeadLetterWhole(DeadLetter, frozen=True):
    """A letter with its text."""

    body: str


class _Places(msgspec.Struct, frozen=True):
    kinds: dict[UUID, tuple[str, str]]
    channels: dict[UUID, str]

    def shown(self, letter: ingest.DeadLetter) -> DeadLetter:
        """Say by which channel a letter came."""
        kind, name = self.kinds.get(letter.connection_id or UUID(int=0), ("", ""))
        name = self.channels.get(letter.channel_id or UUID(int=0), name)
        return DeadLetter(
            letter.id, letter.received_at, kind, name, letter.error, letter.preview, letter.state
        )


async def _places(tx: Tx, desk: Desk) -> _Places:
    return _Places(
        {one.id: (one.kind, one.name) for one in await connections.all_of(tx, desk.workspace)},
        {one.id: one.name for one in await connections.channels(tx, desk.workspace)},
    )


@get("/dead-letters", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="listDeadLetters")
async def list_letters(desk: WithDesk, cursor: Cursor = None, limit: Limit = 50) -> Page[DeadLetter]:
    """List what could not be read or carried out, the latest first."""
    before, tx = unseal_id(cursor), await desk.begin()
    rows, following = await ingest.dead_letters(tx, desk.workspace, before, limit)
    places = await _places(tx, desk)
    return Page([places.shown(one) for one in rows], seal(following))


async def _letter(desk: Desk, tx: Tx, letter_id: UUID) -> ingest.WholeLetter:
    found = await ingest.whole_letter(tx, desk.workspace, letter_id)
    if found is None:
        raise NotFound("There is no such letter.")
    return found


@get("/dead-letters/{letter_id:uuid}", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="readDeadLetter")
async def read_letter(letter_id: FromPath[UUID], desk: WithDesk) -> DeadLetterWhole:
    """Return a letter with its text."""
    tx = await desk.begin()
    found = await _letter(desk, tx, letter_id)
    body = found.body
    if found.path is not None:
        try:
            body = b"".join([piece async for piece in await desk.context.blobs.open(found.path, 0, MAX_BODY)])
        except FileNotFoundError:
            body = found.body
    places = await _places(tx, desk)
    text = body[:MAX_BODY].decode("utf-8", "replace")
    return DeadLetterWhole(**msgspec.structs.asdict(places.shown(found.letter)), body=text)


@post(
    "/dead-letters/{letter_id:uuid}/replay",
    opt=may(Permission.CONNECTIONS_MANAGE),
    status_code=204,
    operation_id="replayDeadLetter",
)
async def replay(letter_id: FromPath[UUID], desk: WithDesk) -> None:
    """Let a letter try again; 409 says why it still can't be read."""
    tx = await desk.begin()
    found = await _letter(desk, tx, letter_id)
    again = desk.context.replayer.fact if found.letter.state == "parked" else desk.context.replayer.raw
    if not await again(desk.workspace, letter_id):
        raise NotFound("There is no such letter.")
    await desk.audit(tx, "dead_letter.replayed", letter_id)


@delete(
    "/dead-letters/{letter_id:uuid}", opt=may(Permission.CONNECTIONS_MANAGE), operation_id="discardDeadLetter"
)
async def discard(letter_id: FromPath[UUID], desk: WithDesk) -> None:
    """Put a letter away for good."""
    tx = await desk.begin()
    found = await _letter(desk, tx, letter_id)
    await desk.carry(tx, ingest_verbs.discard, desk.workspace, letter_id)
    await desk.audit(tx, "dead_letter.discarded", letter_id, error=found.letter.error[:300])


HANDLERS = [list_letters, read_letter, replay, discard]
