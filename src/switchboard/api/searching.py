"""Search over messages and contacts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import QueryParameter

from switchboard.api.auth import WithDesk, may
from switchboard.api.paging import Cursor, Keyset, Limit, check_moment, seal, unseal_keysets
from switchboard.contacts import reads as contacts
from switchboard.staff.permission import Permission
from switchboard.workspace import search


class Mark(msgspec.Struct, frozen=True):
    """A stretch of the snippet that matches: characters from `start` up to `end`."""

    start: int
    end: int


class MessageHit(msgspec.Struct, frozen=True):
    """A message that was found."""

    message_id: UUID
    conversation_id: UUID
    position: int
    contact_name: str
    kind: str
    at: datetime
    snippet: str
    marks: list[Mark]


class SearchAnswer(msgspec.Struct, frozen=True):
    """What was found, the newest first."""

    messages: list[MessageHit]
    contacts: list[contacts.Contact]
    next: str | None


@get("/search", opt=may(Permission.SEARCH), operation_id="search")
async def find(
    desk: WithDesk,
    q: Annotated[str, QueryParameter(description="What to look for.", max_length=200)],
    where: Annotated[Literal["messages", "contacts", "all"], QueryParameter(name="in")] = "all",
    channel: Annotated[UUID | None, QueryParameter(description="Messages of one channel.")] = None,
    since: Annotated[datetime | None, QueryParameter(name="from", description="Not before.")] = None,
    until: Annotated[datetime | None, QueryParameter(name="to", description="Not after.")] = None,
    cursor: Cursor = None,
    limit: Limit = 30,
) -> SearchAnswer:
    """Find messages and contacts by words, also Chinese ones of two characters."""
    for moment, name in ((since, "from"), (until, "to")):
        if moment is not None:
            check_moment(moment, name)
    places = unseal_keysets(cursor)
    hits: list[MessageHit] = []
    ids: list[UUID] = []
    following: list[Keyset | None] = [None, None]
    # As the tables' owner: row-level security would keep the index from being used.
    async with desk.context.db.transaction() as tx:
        if where != "contacts" and (places is None or places[0] is not None):
            asked = search.Question(q, channel, since, until, places[0] if places else None, limit)
            found, following[0] = await search.find_messages(tx, desk.workspace, desk.viewer, asked)
            hits = [_shown(one) for one in found]
        if where != "messages" and (places is None or places[1] is not None):
            asked = search.Question(q, before=places[1] if places else None, limit=limit)
            ids, following[1] = await search.find_contacts(tx, desk.workspace, asked)
        people = await contacts.by_ids(tx, desk.workspace, ids, desk.context.link)
    return SearchAnswer(hits, people, seal(following) if any(following) else None)


def _shown(hit: search.Hit) -> MessageHit:
    marks = [Mark(start, end) for start, end in hit.marks]
    return MessageHit(
        hit.message_id,
        hit.conversation_id,
        hit.position,
        hit.contact_name,
        hit.kind,
        hit.at,
        hit.snippet,
        marks,
    )


HANDLERS = [find]
