"""Search over messages and contacts. Indexing follows the log; asking works in the pipeline's role.

Row-level security would keep the index on `@@` from being used, so `find_*` run as the owner and take the workspace as their
first, mandatory argument; every lexeme carries the workspace besides.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.core import events as e
from switchboard.core.analyser import highlight, index_terms, query_terms, to_tsquery_text, to_tsvector_text
from switchboard.core.parts import Part, words
from switchboard.db.filters import compose
from switchboard.db.log import Logged
from switchboard.db.pool import Tx, columns
from switchboard.workspace.projection import SQL
from switchboard.workspace.rows import Viewer

_parts = msgspec.json.Decoder(list[Part])
ABOUT = (e.MessageFiled, e.MessageChanged, e.ContactChanged, e.ContactsMerged, e.ContactsUnmerged)
WINDOWS = (2_000, 20_000)
"""How many of the newest documents are looked through before the index of words is asked."""
NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


class Hit(msgspec.Struct, frozen=True):
    """A message that was found; `marks` are [start, end) ranges within `snippet`."""

    message_id: UUID
    conversation_id: UUID
    position: int
    contact_name: str
    kind: str
    at: datetime
    snippet: str
    marks: list[tuple[int, int]]


class Question(msgspec.Struct, frozen=True):
    """What is asked, and the page after (at, id)."""

    q: str
    channel: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 30


async def index(tx: Tx, logged: Sequence[Logged]) -> None:
    """Index the messages and contacts these events touch; a recalled message is taken out."""
    messages: set[tuple[UUID, UUID]] = set()
    people: set[tuple[UUID, UUID]] = set()
    for one in logged:
        event = one.event
        if isinstance(event, e.MessageFiled | e.MessageChanged) and event.message_id is not None:
            messages.add((event.workspace_id, event.message_id))
        elif isinstance(event, e.ContactChanged | e.ContactsMerged):
            people.add((event.workspace_id, event.subject))
            if isinstance(event, e.ContactsMerged):
                people.add((event.workspace_id, event.merged_id))
        elif isinstance(event, e.ContactsUnmerged):
            people |= {(event.workspace_id, event.subject), (event.workspace_id, event.restored_id)}
    documents: list[tuple[object, ...]] = []
    gone: list[tuple[UUID, str, UUID]] = []
    if messages:
        for row in await tx.rows(SQL.documents_of, **_keys(messages)):
            if row["recalled_at"] is not None:
                gone.append((row["workspace_id"], "message", row["id"]))
                continue
            terms = to_tsvector_text(row["workspace_id"], index_terms(words(_parts.decode(row["parts"]))))
            documents.append((row["workspace_id"], row["id"], "message", row["conversation_id"], row["author_id"],
                              row["channel_id"], row["occurred_at"], terms))  # fmt: skip
    if people:
        for row in await tx.rows(SQL.people_of, **_keys(people)):
            if row["merged_into"] is not None:
                gone.append((row["workspace_id"], "contact", row["id"]))
                continue
            terms = to_tsvector_text(
                row["workspace_id"], index_terms(f"{row['name']} {row['identifiers'] or ''}")
            )
            documents.append(
                (row["workspace_id"], row["id"], "contact", None, row["id"], None, logged[-1].at, terms)
            )
    if documents:
        names = ("workspaces", "ids", "kinds", "conversations", "contacts", "channels", "at", "terms")
        await tx.run(SQL.index_documents, **columns(names, documents))
    if gone:
        workspaces, kinds, ids = map(list, zip(*gone, strict=True))
        await tx.run(SQL.forget_documents, workspaces=workspaces, kinds=kinds, ids=ids)


def _keys(pairs: set[tuple[UUID, UUID]]) -> dict[str, list[UUID]]:
    ordered = sorted(pairs)
    return {"workspaces": [pair[0] for pair in ordered], "ids": [pair[1] for pair in ordered]}


async def _ask(tx: Tx, workspace: UUID, kind: str, question: Question) -> list[tuple[datetime, UUID]]:
    """Find the newest documents that match.

    A frequent word stands in the newest few thousand documents often enough, and those are read in order of time; the
    index of words would find every tenth document of all years and sort them. Only a rare word goes on to that index.
    """
    terms = query_terms(question.q)
    if not terms:
        return []
    conditions: dict[str, dict[str, object]] = {}
    if question.before is not None:
        conditions["document_before"] = {"before_at": question.before[0], "before_id": question.before[1]}
    if question.since is not None:
        conditions["document_since"] = {"since": question.since}
    if question.until is not None:
        conditions["document_until"] = {"until": question.until}
    values: dict[str, object] = {"query": to_tsquery_text(workspace, terms), "workspace": workspace, "kind": kind,
                                 "limit": question.limit, "channel": question.channel}  # fmt: skip
    for more in conditions.values():
        values |= more
    for window in WINDOWS:
        rows = await tx.rows(compose(SQL, "search_newest", tuple(conditions)), **values, window=window)
        if len(rows) == question.limit:
            break
    else:
        rows = await tx.rows(compose(SQL, "search_all", tuple(conditions)), **values)
    return [(row["at"], row["id"]) for row in rows]


async def find_messages(
    tx: Tx, workspace: UUID, viewer: Viewer, question: Question
) -> tuple[list[Hit], tuple[datetime, UUID] | None]:
    """Return messages that match, newest first, of conversations the viewer may see; and where the next page begins."""
    found = await _ask(tx, workspace, "message", question)
    rows = {
        row["id"]: row
        for row in await tx.rows(SQL.search_hits, workspace=workspace, ids=[key for _, key in found])
    }
    hits: list[Hit] = []
    for _, key in found:
        row = rows.get(key)
        if row is None or not viewer.sees(row["assignee_id"], row["team_id"]):
            continue
        snippet, marks = cut(words(_parts.decode(row["parts"])), question.q)
        hits.append(
            Hit(
                key,
                row["conversation_id"],
                row["position"],
                row["contact_name"],
                row["kind"],
                row["occurred_at"],
                snippet,
                marks,
            )
        )
    return hits, found[-1] if len(found) == question.limit else None


async def find_contacts(
    tx: Tx, workspace: UUID, question: Question
) -> tuple[list[UUID], tuple[datetime, UUID] | None]:
    """Return the ids of contacts that match, the latest changed first."""
    found = await _ask(tx, workspace, "contact", question)
    return [key for _, key in found], found[-1] if len(found) == question.limit else None


def cut(text: str, q: str, width: int = 160) -> tuple[str, list[tuple[int, int]]]:
    """Return the stretch of a text around its first hit, and the hits within it."""
    marks = highlight(text, q)
    start = max(0, marks[0][0] - width // 4) if marks else 0
    if start and (space := text.find(" ", start, marks[0][0])) >= 0:
        start = space + 1  # begin with a whole word where there are spaces
    snippet = text[start : start + width].replace("\n", " ")
    return snippet, [
        (a - start, min(b - start, len(snippet))) for a, b in marks if a >= start and a - start < len(snippet)
    ]
