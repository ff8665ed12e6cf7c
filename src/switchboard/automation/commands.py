"""Answer by itself who opens a conversation; never a machine, never the same person again and again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from switchboard.core.commands import Actor, WriteMessage
from switchboard.core.events import ConversationOpened, Event, Filed, Step
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)
AN_HOUR, A_DAY = 2, 5
"""How many automatic answers one person gets at most; two machines would fill mailboxes within minutes (RFC 3834)."""


async def greet(tx: Tx, opened: Sequence[ConversationOpened]) -> list[Event | Step]:
    """File the channel's automatic answer as a command, so that it is written like any other message."""
    candidates = [
        one for one in opened if one.channel_id is not None and not one.reopened and one.assignee_id is None
    ]
    if not candidates:
        return []
    rows = await tx.rows(
        SQL.greetings,
        workspaces=[one.workspace_id for one in candidates],
        conversations=[one.subject for one in candidates],
        channels=[one.channel_id for one in candidates],
        an_hour=AN_HOUR,
        a_day=A_DAY,
    )
    return [
        Filed(
            workspace_id=row["workspace_id"],
            lane_key=str(row["id"]),
            cause_id=row["id"],
            body=WriteMessage(
                workspace_id=row["workspace_id"],
                by=Actor("bot"),
                conversation_id=row["id"],
                message_id=new_id(),
                parts=[Text(row["auto_reply"])],
                at=datetime.now(UTC),
                channel_id=row["channel_id"],
            ),
        )
        for row in rows
    ]
