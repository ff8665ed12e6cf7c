"""Who has a conversation and how it stands: take, assign, resolve, reopen, pend, snooze, read; conversations
begun by us.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Position, Version
from switchboard.api.conversations import current, seen
from switchboard.api.desk import Desk
from switchboard.api.parts import OutParts, public_links, written
from switchboard.connections import reads as connections
from switchboard.contacts import by_hand
from switchboard.contacts import reads as contacts
from switchboard.core.commands import (
    Assign,
    ChangeStatus,
    Command,
    CreateContact,
    MarkRead,
    StartConversation,
    Take,
    WriteMessage,
)
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.staff.permission import Permission
from switchboard.workspace import reads as screens
from switchboard.workspace.rows import Conversation, Message

SPACES = {
    "email": "email",
    "whatsapp": "phone",
    "sms_aliyun": "phone",
    "sms_tencent": "phone",
    "sms_twilio": "phone",
    "sms_smpp": "phone",
}
"""Which identifier addresses somebody on a kind of channel; elsewhere only who wrote before can be written
to.
"""
LONGEST_SNOOZE = timedelta(days=365 * 3)


class Guard(Body, frozen=True, kw_only=True):
    """The version that one has seen; a colleague's change since then answers 409."""

    expected_version: Version | None = None


class Handover(Body, frozen=True, kw_only=True):
    """Who gets it: an agent, a team's queue, or (both null) the common queue; with a note for them."""

    agent_id: UUID | None = None
    team_id: UUID | None = None
    note: Annotated[str, Meta(max_length=2000)] = ""
    expected_version: Version | None = None


class Snooze(Body, frozen=True, kw_only=True):
    """Until when it sleeps."""

    until: Annotated[datetime, Meta(tz=True)]
    expected_version: Version | None = None


class ReadMark(Body, frozen=True, kw_only=True):
    """Up to which position it was read."""

    position: Position


class Outset(Body, frozen=True, kw_only=True):
    """Whom to write to (a contact, or an address on the channel), by which channel, and what."""

    channel_id: UUID
    parts: OutParts
    contact_id: UUID | None = None
    address: Annotated[str, Meta(min_length=3, max_length=254)] | None = None


class Started(msgspec.Struct, frozen=True):
    """The conversation with its first message."""

    conversation: Conversation
    message: Message


async def _do(desk: Desk, conversation_id: UUID, command: Command) -> Conversation:
    tx = await desk.begin()
    await seen(desk, tx, conversation_id)
    await desk.run(tx, command)
    return await current(desk, tx, conversation_id)


def _path(verb: str) -> str:
    return f"/conversations/{{conversation_id:uuid}}/{verb}"


@post(_path("take"), opt=may(Permission.CONVERSATIONS_TAKE), status_code=200, operation_id="take")
async def take(
    conversation_id: FromPath[UUID], desk: WithDesk, data: JSONBody[Guard | None] = None
) -> Conversation:
    """Take a conversation that nobody has; 409 tells who was faster."""
    command = Take(
        workspace_id=desk.workspace,
        by=desk.actor,
        conversation_id=conversation_id,
        agent_id=desk.principal.id,
        at=datetime.now(UTC),
        expected_version=data.expected_version if data else None,
    )
    return await _do(desk, conversation_id, command)


@post(_path("assign"), opt=may(Permission.CONVERSATIONS_ASSIGN), status_code=200, operation_id="assign")
async def assign(conversation_id: FromPath[UUID], data: JSONBody[Handover], desk: WithDesk) -> Conversation:
    """Give a conversation to a colleague, to a team, or back to the common queue."""
    command = Assign(
        workspace_id=desk.workspace,
        by=desk.actor,
        conversation_id=conversation_id,
        at=datetime.now(UTC),
        agent_id=data.agent_id,
        team_id=data.team_id,
        note=data.note,
        expected_version=data.expected_version,
    )
    return await _do(desk, conversation_id, command)


async def _move(
    desk: Desk, conversation_id: UUID, status: str, data: Guard | Snooze | None, until: datetime | None = None
) -> Conversation:
    command = ChangeStatus(
        workspace_id=desk.workspace,
        by=desk.worker,
        conversation_id=conversation_id,
        status=status,
        at=datetime.now(UTC),
        until=until,
        expected_version=data.expected_version if data else None,
    )
    return await _do(desk, conversation_id, command)


@post(_path("resolve"), opt=may(Permission.CONVERSATIONS_WRITE), status_code=200, operation_id="resolve")
async def resolve(
    conversation_id: FromPath[UUID], desk: WithDesk, data: JSONBody[Guard | None] = None
) -> Conversation:
    """Close the case."""
    return await _move(desk, conversation_id, "resolved", data)


@post(_path("reopen"), opt=may(Permission.CONVERSATIONS_WRITE), status_code=200, operation_id="reopen")
async def reopen(
    conversation_id: FromPath[UUID], desk: WithDesk, data: JSONBody[Guard | None] = None
) -> Conversation:
    """Open the case again; whoever does it has it."""
    return await _move(desk, conversation_id, "open", data)


@post(_path("pend"), opt=may(Permission.CONVERSATIONS_WRITE), status_code=200, operation_id="pend")
async def pend(
    conversation_id: FromPath[UUID], desk: WithDesk, data: JSONBody[Guard | None] = None
) -> Conversation:
    """Wait for the customer or for somebody else."""
    return await _move(desk, conversation_id, "pending", data)


@post(_path("snooze"), opt=may(Permission.CONVERSATIONS_WRITE), status_code=200, operation_id="snooze")
async def snooze(conversation_id: FromPath[UUID], data: JSONBody[Snooze], desk: WithDesk) -> Conversation:
    """Put it away until a moment, or until the customer writes."""
    now = datetime.now(UTC)
    if not now < data.until < now + LONGEST_SNOOZE:
        raise Invalid("Say until when, in the future, three years at most.", field="until")
    return await _move(desk, conversation_id, "snoozed", data, data.until)


@post(_path("read"), opt=may(Permission.CONVERSATIONS_READ), status_code=200, operation_id="markRead")
async def read(conversation_id: FromPath[UUID], data: JSONBody[ReadMark], desk: WithDesk) -> Conversation:
    """Count as read what came up to a position."""
    command = MarkRead(
        workspace_id=desk.workspace, by=desk.actor, conversation_id=conversation_id, position=data.position
    )
    return await _do(desk, conversation_id, command)


@post(_path("typing"), opt=may(Permission.CONVERSATIONS_WRITE), status_code=204, operation_id="typing")
async def typing(conversation_id: FromPath[UUID], desk: WithDesk) -> None:
    """Let colleagues and the customer see that one is typing."""
    await seen(desk, await desk.begin(), conversation_id)
    who = desk.principal
    news = {
        "agent_typing": str(conversation_id),
        "workspace": str(desk.workspace),
        "id": str(who.id),
        "name": who.name[:60],
    }
    desk.context.say(news)


@post("/conversations", opt=may(Permission.CONVERSATIONS_WRITE), operation_id="startConversation")
async def start(data: JSONBody[Outset], desk: WithDesk) -> Started:
    """Write to somebody first. With a case open already, it goes on there."""
    tx, now = await desk.begin(), datetime.now(UTC)
    channels = await connections.channels(tx, desk.workspace)
    channel = next((one for one in channels if one.id == data.channel_id), None)
    if channel is None:
        raise Invalid("There is no such channel.", field="channel_id")
    contact, address, identity = await _whom(desk, tx, data, channel.kind)
    opened = await screens.open_case(tx, desk.workspace, contact)
    if opened is not None:
        await _joinable(desk, tx, opened)
    conversation = opened or new_id()
    common: dict[str, Any] = {
        "workspace_id": desk.workspace,
        "conversation_id": conversation,
        "at": now,
        "channel_id": channel.id,
    }
    await desk.run(
        tx,
        StartConversation(
            **common, by=desk.worker, contact_id=contact, address=address, identity_id=identity
        ),
    )
    message = new_id()
    parts = await written(tx, desk.workspace, data.parts)
    links = public_links(parts, desk.public_address)
    await desk.run(tx, WriteMessage(**common, by=desk.actor, message_id=message, parts=parts, links=links))
    said = await screens.message(tx, desk.workspace, message, desk.context.link)
    assert said is not None
    return Started(await current(desk, tx, said.conversation_id), said)


async def _joinable(desk: Desk, tx: Tx, conversation_id: UUID) -> None:
    row = await screens.fresh(tx, desk.workspace, conversation_id, desk.context.link)
    if row is not None and not desk.viewer.sees(row.assignee_id, row.team_id):
        raise Conflict("A colleague has an open conversation with this customer.", code="open_elsewhere")


async def _whom(desk: Desk, tx: Tx, data: Outset, kind: str) -> tuple[UUID, str, UUID]:
    """Return contact, address and identity; an address not known yet becomes a contact."""
    space = SPACES.get(kind)
    if data.contact_id is not None:
        contact = await contacts.one(tx, desk.workspace, data.contact_id, desk.context.link)
        if contact is None:
            raise NotFound("There is no such contact.")
        if known := await screens.known_reach(tx, desk.workspace, contact.id, data.channel_id):
            return contact.id, *known
        for one in sorted(contact.identities, key=lambda one: not one.verified):
            if one.space == space:
                return contact.id, one.value, one.id
        raise Invalid(
            "The customer can't be reached by this channel.", field="channel_id", code="unreachable"
        )
    if data.address is None:
        raise Invalid("Say whom to write to: a contact or an address.", field="address")
    if space is None:
        raise Invalid(
            "On this channel only who wrote before can be written to.", field="channel_id", code="unreachable"
        )
    value = by_hand.normal(space, data.address, "address")
    found = await contacts.holder(tx, desk.workspace, space, value)
    if found is None:
        contact_id = new_id()
        await desk.run(
            tx,
            CreateContact(
                workspace_id=desk.workspace,
                by=desk.actor,
                contact_id=contact_id,
                name=value,
                identities=[(space, value)],
            ),
        )
        found = await contacts.holder(tx, desk.workspace, space, value)
        assert found is not None
    return found[0], value, found[1]


HANDLERS = [take, assign, resolve, reopen, pend, snooze, read, typing, start]
