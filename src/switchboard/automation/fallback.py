"""Say it by another channel when the first one surely won't: refused by the platform, or its connection is red.

Only where the channel names a fallback, the customer's identity there is verified, can be reached, and has written to us by it:
that is the consent we have. Both are shown in the timeline: what failed, and by which way it went instead.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from switchboard.automation.commands import SQL
from switchboard.core.commands import Actor, FallBack, WriteMessage
from switchboard.core.events import Event, Filed, Step
from switchboard.core.parts import Notice, Part
from switchboard.db.pool import Tx

_parts = msgspec.json.Decoder(list[Part])


async def fall_back(tx: Tx, commands: Sequence[FallBack]) -> list[Event | Step]:
    """File the message anew for the fallback channel, with a notice before it; nothing where that may not be."""
    rows = await tx.rows(
        SQL.ways_round,
        workspaces=[one.workspace_id for one in commands],
        messages=[one.message_id for one in commands],
    )
    filed: list[Event | Step] = []
    now = datetime.now(UTC)
    for row in rows:
        common: dict[str, Any] = {
            "workspace_id": row["workspace_id"], "conversation_id": row["conversation_id"], "at": now,
            "channel_id": row["fallback_id"], "address": row["address"],
        }  # fmt: skip
        # Ids that follow from the message's: a second wish for the same writes nothing twice.
        names = {"from": row["channel_name"], "to": row["fallback_name"], "message": str(row["id"])}
        notice = WriteMessage(
            **common, message_id=uuid5(NAMESPACE_OID, f"{row['id']}:notice"), note=True,
            parts=[Notice("fell_back", f"{names['from']} → {names['to']}", names)],
        )  # fmt: skip
        again = WriteMessage(
            **common, message_id=uuid5(NAMESPACE_OID, f"{row['id']}:again"), by=Actor(row["author_kind"], row["author_id"]),
            parts=_parts.decode(row["parts"]),
        )  # fmt: skip
        filed += [
            Filed(
                workspace_id=row["workspace_id"],
                lane_key=str(row["conversation_id"]),
                cause_id=row["id"],
                body=body,
            )
            for body in (notice, again)
        ]
    return filed


async def possible(tx: Tx, messages: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """Return which of these messages (workspace, message) have a way round."""
    if not messages:
        return []
    workspaces, ids = zip(*messages, strict=True)
    rows = await tx.rows(SQL.ways_round, workspaces=workspaces, messages=ids)
    return [(row["workspace_id"], row["id"]) for row in rows]
