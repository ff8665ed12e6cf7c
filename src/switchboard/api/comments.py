"""Comments below posts: answering the writer of one in private."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body
from switchboard.api.conversations import current, seen
from switchboard.api.parts import OutParts, public_links, written
from switchboard.api.work import Started
from switchboard.channels.registry import adapters
from switchboard.core.commands import StartConversation, WriteMessage
from switchboard.core.errors import Conflict, NotFound
from switchboard.core.ids import new_id
from switchboard.core.parts import Notice
from switchboard.staff.permission import Permission
from switchboard.workspace import reads as screens


class PrivateAnswer(Body, frozen=True, kw_only=True):
    """What to say in private to whoever wrote the comment."""

    parts: OutParts


@post(
    "/messages/{message_id:uuid}/private-reply",
    opt=may(Permission.CONVERSATIONS_WRITE),
    operation_id="replyPrivately",
)
async def reply_privately(
    message_id: FromPath[UUID], data: JSONBody[PrivateAnswer], desk: WithDesk
) -> Started:
    """Answer the writer of a comment in private; it goes on in a conversation of their own."""
    tx, now = await desk.begin(), datetime.now(UTC)
    row = await screens.comment(tx, desk.workspace, message_id)
    if row is None:
        raise NotFound("There is no such comment.")
    await seen(desk, tx, row["conversation_id"])
    facts = (await asyncio.to_thread(adapters))[row["kind"]].manifest
    if not facts.private_reply_days or row["identity_id"] is None:
        raise Conflict("This platform offers no private answer to comments.", code="not_offered")
    if now - row["received_at"] > timedelta(days=facts.private_reply_days):
        raise Conflict(
            f"The platform allows a private answer for {facts.private_reply_days:g} days after the comment.",
            code="window_over",
        )
    conversation = await screens.open_case(tx, desk.workspace, row["author_id"]) or new_id()
    address = f"comment:{row['external_id']}"
    await desk.run(
        tx,
        StartConversation(
            workspace_id=desk.workspace, by=desk.worker, conversation_id=conversation, contact_id=row["author_id"],
            channel_id=row["channel_id"], address=address, identity_id=row["identity_id"], at=now,
        ),
    )  # fmt: skip
    message, parts = new_id(), await written(tx, desk.workspace, data.parts)
    await desk.run(
        tx,
        WriteMessage(
            workspace_id=desk.workspace, by=desk.actor, conversation_id=conversation, message_id=message, parts=parts, at=now,
            channel_id=row["channel_id"], address=address, links=public_links(parts, desk.public_address),
        ),
        WriteMessage(
            workspace_id=desk.workspace, by=desk.actor, conversation_id=row["conversation_id"], message_id=new_id(), note=True,
            parts=[Notice("answered_privately", data={"conversation_id": str(conversation)})], at=now, reply_to=message_id,
        ),
    )  # fmt: skip
    said = await screens.message(tx, desk.workspace, message, desk.context.link)
    assert said is not None
    return Started(await current(desk, tx, said.conversation_id), said)


HANDLERS = [reply_privately]
