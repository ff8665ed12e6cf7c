"""Echoes of our own sends settle what was in doubt."""

from collections.abc import Sequence

from switchboard.core.events import EchoMatched, Event, Step
from switchboard.db.pool import Tx
from switchboard.delivery.commands import settle_pieces


async def settle(tx: Tx, matched: Sequence[EchoMatched]) -> list[Event | Step]:
    """Give pieces the platform's ids that their echoes told, and lift them to sent."""
    return await settle_pieces(
        tx, [(one.channel_id, one.message_id, one.piece, one.external_id) for one in matched]
    )
