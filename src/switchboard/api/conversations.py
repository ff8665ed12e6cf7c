"""Conversations: lists, detail, timeline, answers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Tag, Version
from switchboard.api.desk import Desk
from switchboard.api.paging import Cursor, Limit, Page, seal, unseal_keyset
from switchboard.api.parts import OutParts, public_links, written
from switchboard.channels.registry import adapters
from switchboard.contacts import reads as contacts
from switchboard.core.commands import EditConversation, Resend, WriteMessage
from switchboard.core.conversation import STATUSES
from switchboard.core.errors import NotFound, Problem
from switchboard.core.ids import new_id
from switchboard.core.windows import ends, standing
from switchboard.db.pool import Tx
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission
from switchboard.workspace import reads as screens
from switchboard.workspace.rows import Conversation, Counters, Message, View

OPEN = ("new", "open", "pending")
VIEWS: dict[str, View] = {
    "mine": View(assignee="me"),
    "unassigned": View(assignee="none"),
    "all_open": View(),
    "waiting": View(sort="waiting"),
    "snoozed": View(status=("snoozed",)),
    "resolved": View(status=("resolved",)),
}

WINDOW = {
    "window_closed": "The platform's time for free answers is over, or its number of answers used up: only templates can be sent.",
    "window_over": "The platform's time for free answers is over, or its number used up, until the customer writes again.",
}


class ReplyChannel(msgspec.Struct, frozen=True):
    """A channel by which the customer can be answered; `reason` says why not just now, empty when it can be
    used.

    `reason_code` is what screens translate: unreachable, off, broken, window_closed (only templates), window_over, or empty.
    `window_left`: how many free answers are left until `window_until`, null for any number. `late`: the window is over, but a
    person may still answer for a time. `private_days`: how long after a comment its writer may be answered in private, 0: never.
    """

    channel_id: UUID
    kind: str
    name: str
    address: str
    verified: bool
    window_until: datetime | None
    window_left: int | None
    late: bool
    private_days: float
    default: bool
    reason: str
    reason_code: str


class Assignment(msgspec.Struct, frozen=True):
    """Who got the conversation, by whose hand (a name, empty for the router), with which note."""

    agent_id: UUID | None
    team_id: UUID | None
    by: str
    note: str
    at: datetime


class ConversationDetail(Conversation, frozen=True):
    """A conversation with its contact, its channels and its past."""

    contact_detail: contacts.Contact
    reply_channels: list[ReplyChannel]
    assignments: list[Assignment]


class NewMessage(Body, frozen=True, kw_only=True):
    """An answer or, with `note`, a private note. `expected_version` guards against a colleague's answer
    meanwhile.
    """

    parts: OutParts
    channel_id: UUID | None = None
    reply_to: UUID | None = None
    note: bool = False
    expected_version: Version | None = None
    client_id: UUID | None = None


class ConversationChange(Body, frozen=True, kw_only=True):
    """What changes of a conversation."""

    priority: Annotated[int, Meta(ge=0, le=3)] | UnsetType = UNSET
    subject: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=50)] | UnsetType = UNSET


Status = Annotated[
    str | None,
    QueryParameter(description="Statuses by comma: new, open, pending, snoozed, resolved.", max_length=60),
]
Assignee = Annotated[str | None, QueryParameter(description="`me`, `none`, or an agent's id.", max_length=36)]
Word = Annotated[str | None, QueryParameter(max_length=60)]
Place = Annotated[int | None, QueryParameter(description="A message's position.", ge=0, le=2**31 - 1)]


async def seen(desk: Desk, tx: Tx, conversation_id: UUID) -> Conversation:
    """Return a conversation as it is now; raises NotFound for one that is not there or not to be seen."""
    row = await screens.fresh(tx, desk.workspace, conversation_id, desk.context.link)
    if row is None or not desk.viewer.sees(row.assignee_id, row.team_id):
        raise NotFound("There is no such conversation.")
    return row


async def current(desk: Desk, tx: Tx, conversation_id: UUID) -> Conversation:
    """Return a conversation after one's own change, though it may have left one's sight by it."""
    row = await screens.fresh(tx, desk.workspace, conversation_id, desk.context.link)
    if row is None:
        raise NotFound("There is no such conversation.")
    return row


def _statuses(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or any(one not in STATUSES for one in found):
        raise Problem(f"A status is one of {', '.join(STATUSES)}.", code="invalid_input", field="status")
    return found


def _assignee(desk: Desk, text: str) -> str:
    if text == "me":
        return str(desk.principal.id)
    if text in ("", "none"):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise Problem(
            "An assignee is me, none, or an agent's id.", code="invalid_input", field="assignee"
        ) from None


@get("/conversations", opt=may(Permission.CONVERSATIONS_READ), operation_id="listConversations")
async def list_conversations(
    desk: WithDesk,
    view: Annotated[
        Literal["mine", "unassigned", "all_open", "waiting", "snoozed", "resolved"] | None, QueryParameter()
    ] = None,
    status: Status = None,
    assignee: Assignee = None,
    team: Annotated[UUID | None, QueryParameter()] = None,
    channel: Annotated[UUID | None, QueryParameter()] = None,
    kind: Word = None,
    tag: Word = None,
    sort: Annotated[Literal["last", "waiting"] | None, QueryParameter()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Conversation]:
    """List conversations, the last active or the longest waiting first. A named view gives the filters a
    start.
    """
    named = VIEWS[view] if view else View()
    wanted = msgspec.structs.replace(
        named,
        status=_statuses(status) if status else named.status,
        assignee=_assignee(desk, assignee if assignee is not None else named.assignee),
        team=team,
        channel=channel,
        kind=kind or "",
        tag=tag or "",
        sort=sort or named.sort,
    )
    after = unseal_keyset(cursor)
    rows, following = await screens.inbox(
        await desk.begin(), desk.viewer, wanted, desk.context.link, after=after, limit=limit
    )
    return Page(rows, seal(following))


@get(
    "/conversations/{conversation_id:uuid}",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="readConversation",
)
async def read_conversation(conversation_id: FromPath[UUID], desk: WithDesk) -> ConversationDetail:
    """Return a conversation with its contact, the channels to answer by, and who had it."""
    tx = await desk.begin()
    row = await seen(desk, tx, conversation_id)
    contact = await contacts.one(tx, desk.workspace, row.contact.id, desk.context.link)
    if contact is None:
        raise NotFound("There is no such conversation.")
    names = {one.id: one.name for one in await staff.agents(tx, desk.workspace)}
    assignments = [
        Assignment(one["agent_id"], one["team_id"], names.get(one["by_id"], ""), one["note"], one["at"])
        for one in await screens.assignments(tx, desk.workspace, conversation_id)
    ]
    reach = await _reply_channels(tx, desk.workspace, conversation_id)
    return ConversationDetail(
        **{name: getattr(row, name) for name in row.__struct_fields__},
        contact_detail=contact,
        reply_channels=reach,
        assignments=assignments,
    )


async def _reply_channels(tx: Tx, workspace: UUID, conversation_id: UUID) -> list[ReplyChannel]:
    """The channels to answer by; the first one a proven identity used that works is the default."""
    kinds = await asyncio.to_thread(adapters)
    now = datetime.now(UTC)
    found: list[ReplyChannel] = []
    chosen = False
    for row in await screens.reply_channels(tx, workspace, conversation_id):
        adapter = kinds.get(row["kind"])
        facts = adapter.manifest if adapter else None
        opened = msgspec.json.decode(row["opened"], type=dict[str, datetime])
        rules = (
            facts.windows if facts and not row["slot"].startswith("post:") else []
        )  # below a post anybody may speak
        free = standing(rules, opened, row["sent"], now)
        over = ends(rules, opened)
        until = (free.until or over) if rules else None
        code, reason = _reason(row["status"], row["unreachable"], facts is not None)
        late = False
        if not code and facts is not None and rules and free.until is None:
            late = over is not None and now < over + timedelta(hours=facts.late_hours)
            if not late:
                code = "window_closed" if facts.sends.template else "window_over"
                reason = WINDOW[code]
        default = not chosen and row["verified"] and not reason
        chosen = chosen or default
        found.append(
            ReplyChannel(
                row["channel_id"],
                row["kind"],
                row["name"],
                row["address"],
                row["verified"],
                until,
                free.left if rules else None,
                late,
                facts.private_reply_days if facts else 0,
                default,
                reason,
                code,
            )
        )
    return found


def _reason(status: str, unreachable: str, known: bool) -> tuple[str, str]:
    if unreachable:
        return "unreachable", f"The customer can't be reached here any more: {unreachable}."
    if not known or status == "grey":
        return "off", "This channel is switched off."
    if status == "red":
        return "broken", "This channel is out of order; an administrator has to look at it."
    return "", ""


@get(
    "/conversations/{conversation_id:uuid}/messages",
    opt=may(Permission.CONVERSATIONS_READ),
    operation_id="listMessages",
)
async def list_messages(
    conversation_id: FromPath[UUID],
    desk: WithDesk,
    before: Place = None,
    after: Place = None,
    cursor: Place = None,
    limit: Limit = 50,
) -> Page[Message]:
    """List messages in order: the latest, those before a position, or those after one. `next` is the position
    to go on from: pass it as `cursor` (or `before`) for older ones, as `after` when you page forwards.
    """
    tx = await desk.begin()
    before = cursor if before is None and after is None else before
    await seen(desk, tx, conversation_id)
    items, following = await screens.timeline(
        tx, desk.workspace, conversation_id, desk.context.link, before=before, after=after, limit=limit
    )
    return Page(items, None if following is None else str(following))


@post(
    "/conversations/{conversation_id:uuid}/messages",
    opt=may(Permission.CONVERSATIONS_WRITE),
    operation_id="write",
)
async def write(conversation_id: FromPath[UUID], data: JSONBody[NewMessage], desk: WithDesk) -> Message:
    """Answer the customer, or leave a note for colleagues. Send an `Idempotency-Key` so that a retry writes
    once.
    """
    tx = await desk.begin()
    await seen(desk, tx, conversation_id)
    message_id = new_id()
    parts = await written(tx, desk.workspace, data.parts)
    command = WriteMessage(
        workspace_id=desk.workspace,
        by=desk.actor,
        conversation_id=conversation_id,
        message_id=message_id,
        parts=parts,
        links=public_links(parts, desk.public_address),
        at=datetime.now(UTC),
        channel_id=data.channel_id,
        reply_to=data.reply_to,
        note=data.note,
        expected_version=data.expected_version,
        client_id=data.client_id,
    )
    await desk.run(tx, command)
    return await said(desk, tx, message_id)


async def said(desk: Desk, tx: Tx, message_id: UUID) -> Message:
    """Return a message that was just written or changed; raises NotFound."""
    found = await screens.message(tx, desk.workspace, message_id, desk.context.link)
    if found is None:
        raise NotFound("There is no such message.")
    return found


@patch(
    "/conversations/{conversation_id:uuid}",
    opt=may(Permission.CONVERSATIONS_WRITE),
    operation_id="changeConversation",
)
async def change(
    conversation_id: FromPath[UUID], data: JSONBody[ConversationChange], desk: WithDesk
) -> Conversation:
    """Change priority, subject or tags."""
    tx = await desk.begin()
    await seen(desk, tx, conversation_id)
    command = EditConversation(
        workspace_id=desk.workspace,
        by=desk.actor,
        conversation_id=conversation_id,
        priority=None if data.priority is UNSET else data.priority,
        subject=None if data.subject is UNSET else data.subject,
        tags=None if data.tags is UNSET else sorted(set(data.tags)),
    )
    await desk.run(tx, command)
    return await current(desk, tx, conversation_id)


@post(
    "/messages/{message_id:uuid}/resend",
    opt=may(Permission.CONVERSATIONS_WRITE),
    status_code=200,
    operation_id="resend",
)
async def resend(message_id: FromPath[UUID], desk: WithDesk) -> Message:
    """Send a failed or doubtful message again, by a person's hand; in doubt, it may arrive twice."""
    tx = await desk.begin()
    message = await said(desk, tx, message_id)
    await seen(desk, tx, message.conversation_id)
    await desk.run(
        tx, Resend(workspace_id=desk.workspace, by=desk.actor, message_id=message_id, at=datetime.now(UTC))
    )
    return await said(desk, tx, message_id)


@get("/counters", opt=may(Permission.CONVERSATIONS_READ), operation_id="readCounters")
async def counters(desk: WithDesk) -> Counters:
    """Count open conversations by view, team, channel and agent, as far as one may see them."""
    return await screens.counters(await desk.begin(), desk.viewer)


HANDLERS = [list_conversations, read_conversation, list_messages, write, change, resend, counters]
