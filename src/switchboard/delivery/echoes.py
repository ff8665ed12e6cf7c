"""Echoes of our own sends settle what was in doubt."""

from collections.abc import Sequence

from switchboard.core.events import EchoMatched, Event, Step
from switchboard.db.pool import Tx
from switchboard.delivery.commands import SQL, _changed, split_key


async def settle(tx: Tx, matched: Sequence[EchoMatched]) -> list[Event | Step]:
    """Give a piece the platform's id that its echo told, and lift it to sent."""
    events: list[Event | Step] = []
    for one in matched:
        key = split_key(one.idempotency_key)
        if key is not None:
            rows = await tx.rows(SQL.settle_by_key, channels=[one.channel_id], messages=[key[0]], pieces=[key[1]],
                                 externals=[one.external_id])  # fmt: skip
        else:
            rows = await tx.rows(SQL.settle_by_echo, workspace=one.workspace_id, message=one.message_id,
                                 channel=one.channel_id, external=one.external_id)  # fmt: skip
        events += await _changed(tx, [(row["workspace_id"], row["conversation_id"], row["message_id"]) for row in rows])
    return events
