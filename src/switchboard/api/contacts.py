"""Contacts: who they are, what was said with them, which of them are the same person."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Tag, given
from switchboard.api.desk import Desk
from switchboard.api.paging import Cursor, Limit, Page, seal, unseal_keyset
from switchboard.contacts import reads as contacts
from switchboard.core.commands import CreateContact, EditContact, MergeContacts, UndoMerge
from switchboard.core.conversation import STATUSES
from switchboard.core.errors import Conflict, Forbidden, Invalid, NotFound
from switchboard.core.events import ContactsMerged, ContactsUnmerged
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.staff.permission import Permission
from switchboard.workspace import reads as screens
from switchboard.workspace import search
from switchboard.workspace.rows import Conversation, Message, View

MAX_ATTRIBUTES = 20_000
PersonName = Annotated[str, Meta(min_length=1, max_length=200)]
Notes = Annotated[str, Meta(max_length=10_000)]
Level = Annotated[str, Meta(max_length=60)]
Tags = Annotated[list[Tag], Meta(max_length=100)]


class TypedIdentity(Body, frozen=True, kw_only=True):
    """An identifier somebody typed in; it is claimed, not proven."""

    space: Literal["phone", "email"]
    value: Annotated[str, Meta(min_length=3, max_length=254)]


class NewContact(Body, frozen=True, kw_only=True):
    """A contact added by hand."""

    name: PersonName
    identities: Annotated[list[TypedIdentity], Meta(max_length=20)] = msgspec.field(default_factory=list)


class ContactChange(Body, frozen=True, kw_only=True):
    """What changes of a contact; attributes are replaced whole."""

    name: PersonName | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    level: Level | UnsetType = UNSET


class Other(Body, frozen=True, kw_only=True):
    """The contact that becomes part of this one."""

    other_id: UUID


class Merged(msgspec.Struct, frozen=True):
    """The contact that remains, and the merge by which it can be undone."""

    merge_id: UUID
    contact: contacts.Contact


class Parted(msgspec.Struct, frozen=True):
    """The two contacts that were one."""

    contact: contacts.Contact
    restored: contacts.Contact


async def _one(desk: Desk, tx: Tx, contact_id: UUID) -> contacts.Contact:
    found = await contacts.one(tx, desk.workspace, contact_id, desk.context.link)
    if found is None:
        raise NotFound("There is no such contact.")
    return found


@get("/contacts", opt=may(Permission.CONTACTS_READ), operation_id="listContacts")
async def list_contacts(
    desk: WithDesk,
    q: Annotated[
        str | None, QueryParameter(description="Words of a name, or part of an identifier.", max_length=200)
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[contacts.Contact]:
    """List contacts, the last seen first, or those that match some words."""
    before = unseal_keyset(cursor)
    tx = await desk.begin()
    if not q or not q.strip():
        items, following = await contacts.page(tx, desk.workspace, desk.context.link, before, limit)
        return Page(items, seal(following))
    async with desk.context.db.transaction() as owner:
        question = search.Question(q, before=before, limit=limit)
        ids, following = await search.find_contacts(owner, desk.workspace, question)
    return Page(await contacts.by_ids(tx, desk.workspace, ids, desk.context.link), seal(following))


@post("/contacts", opt=may(Permission.CONTACTS_WRITE), operation_id="createContact")
async def create(data: JSONBody[NewContact], desk: WithDesk) -> contacts.Contact:
    """Add a contact by hand."""
    tx, contact_id = await desk.begin(), new_id()
    identities: list[tuple[str, str]] = [(one.space, one.value) for one in data.identities]
    await desk.run(
        tx,
        CreateContact(
            workspace_id=desk.workspace,
            by=desk.actor,
            contact_id=contact_id,
            name=data.name,
            identities=identities,
        ),
    )
    return await _one(desk, tx, contact_id)


@get("/contacts/{contact_id:uuid}", opt=may(Permission.CONTACTS_READ), operation_id="readContact")
async def read(contact_id: FromPath[UUID], desk: WithDesk) -> contacts.Contact:
    """Return a contact; one that was merged is returned as the contact it became."""
    return await _one(desk, await desk.begin(), contact_id)


@patch("/contacts/{contact_id:uuid}", opt=may(Permission.CONTACTS_WRITE), operation_id="changeContact")
async def change(
    contact_id: FromPath[UUID], data: JSONBody[ContactChange], desk: WithDesk
) -> contacts.Contact:
    """Change a contact's own fields."""
    if data.attributes is not UNSET and len(msgspec.json.encode(data.attributes)) > MAX_ATTRIBUTES:
        raise Invalid("These attributes are too many.", field="attributes")
    tx, changes = await desk.begin(), given(data)
    if isinstance(data.tags, list):
        changes["tags"] = sorted(set(data.tags))
    await desk.run(
        tx, EditContact(workspace_id=desk.workspace, by=desk.actor, contact_id=contact_id, changes=changes)
    )
    return await _one(desk, tx, contact_id)


@get(
    "/contacts/{contact_id:uuid}/conversations",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="listConversationsOfContact",
)
async def conversations(
    contact_id: FromPath[UUID], desk: WithDesk, cursor: Cursor = None, limit: Limit = 50
) -> Page[Conversation]:
    """List a contact's conversations, as far as one may see them."""
    tx, after = await desk.begin(), unseal_keyset(cursor)
    contact = await _one(desk, tx, contact_id)
    view = View(status=STATUSES, contact=contact.id)
    items, following = await screens.inbox(tx, desk.viewer, view, desk.context.link, after=after, limit=limit)
    return Page(items, seal(following))


@get(
    "/contacts/{contact_id:uuid}/timeline",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="listTimelineOfContact",
)
async def timeline(
    contact_id: FromPath[UUID],
    desk: WithDesk,
    before: Annotated[UUID | None, QueryParameter(description="A message; those said earlier.")] = None,
    cursor: Annotated[UUID | None, QueryParameter(description="`next` of the page before.")] = None,
    limit: Limit = 50,
) -> Page[Message]:
    """List what was said with a contact over all conversations and channels, the latest first."""
    tx = await desk.begin()
    before = before or cursor
    contact = await _one(desk, tx, contact_id)
    items, following = await screens.history(tx, desk.viewer, contact.id, desk.context.link, before, limit)
    return Page(items, None if following is None else str(following))


@get(
    "/contacts/{contact_id:uuid}/suggestions",
    opt=may(Permission.CONTACTS_READ),
    operation_id="listSuggestions",
)
async def suggestions(contact_id: FromPath[UUID], desk: WithDesk) -> Page[contacts.Suggestion]:
    """List who else a contact may be, because of an identifier that both have."""
    tx = await desk.begin()
    contact = await _one(desk, tx, contact_id)
    return Page(await contacts.suggestions(tx, desk.workspace, contact.id, desk.context.link))


async def _all_seen(desk: Desk, tx: Tx, contact_id: UUID) -> None:
    """Raise Forbidden when a contact has conversations one may not see: merging would move them before one's eyes."""
    whole = msgspec.structs.replace(desk.viewer, everything=True)
    rows, _ = await screens.inbox(
        tx, whole, View(status=STATUSES, contact=contact_id), desk.context.link, None, 100
    )
    if not all(desk.viewer.sees(row.assignee_id, row.team_id) for row in rows):
        raise Forbidden(
            "This customer has conversations of another team; ask a supervisor.", code="not_all_seen"
        )


@post(
    "/contacts/{contact_id:uuid}/merge",
    opt=may(Permission.CONTACTS_MERGE),
    status_code=200,
    operation_id="mergeContacts",
)
async def merge(contact_id: FromPath[UUID], data: JSONBody[Other], desk: WithDesk) -> Merged:
    """Make another contact part of this one; it can be undone. One must see what was said with both."""
    tx, merge_id = await desk.begin(), new_id()
    for one in (contact_id, data.other_id):
        await _all_seen(desk, tx, one)
    events = await desk.run(
        tx,
        MergeContacts(
            workspace_id=desk.workspace,
            by=desk.actor,
            merge_id=merge_id,
            kept_id=contact_id,
            merged_id=data.other_id,
            at=datetime.now(UTC),
        ),
    )
    if not any(isinstance(one, ContactsMerged) for one in events):
        raise Conflict("One of the two has been merged already.", code="already_merged")
    await desk.audit(tx, "contact.merged", contact_id, other=str(data.other_id), merge=str(merge_id))
    return Merged(merge_id, await _one(desk, tx, contact_id))


@post(
    "/merges/{merge_id:uuid}/undo",
    opt=may(Permission.CONTACTS_MERGE),
    status_code=200,
    operation_id="undoMerge",
)
async def undo(merge_id: FromPath[UUID], desk: WithDesk) -> Parted:
    """Take a merge apart again; nothing that was said meanwhile is lost."""
    tx = await desk.begin()
    command = UndoMerge(workspace_id=desk.workspace, by=desk.actor, merge_id=merge_id, at=datetime.now(UTC))
    events = await desk.run(tx, command)
    parted = next(one for one in events if isinstance(one, ContactsUnmerged))
    await desk.audit(
        tx, "contact.unmerged", parted.subject, restored=str(parted.restored_id), merge=str(merge_id)
    )
    return Parted(await _one(desk, tx, parted.subject), await _one(desk, tx, parted.restored_id))


HANDLERS = [list_contacts, create, read, change, conversations, timeline, suggestions, merge, undo]
