"""Receipts early and late, one by one and together: what they say only rises."""

import itertools
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard import flow
from switchboard.core.events import DeliveryChanged
from switchboard.core.facts import ReceiptReceived
from switchboard.core.ids import new_id
from switchboard.delivery import commands as delivery
from switchboard.delivery.commands import Ended, Piece
from tests.flow.conftest import NOW, Pipe, timedelta

RANK = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}


def receipt(external: str, status: str, key: str = "", **more: Any) -> ReceiptReceived:
    return ReceiptReceived(
        account="main",
        dedupe_key=f"r{new_id()}",
        external_id=external,
        status=status,
        idempotency_key=key,
        **more,
    )


async def conversation(pipe: Pipe, person: str = "alice") -> UUID:
    await pipe.receive(pipe.message("hello", person))
    found: UUID = await pipe.only(
        "select conversation_id from message m join identity i on i.id = m.identity_id where i.value = $1",
        person,
    )
    return found


async def claim(pipe: Pipe, limit: int = 64, batch: UUID | None = None) -> list[Piece]:
    async with pipe.db.transaction() as tx:
        return await delivery.claim(tx, pipe.connections["main"], batch or new_id(), limit)


async def record(pipe: Pipe, *ended: Ended) -> list[Any]:
    async with pipe.db.transaction() as tx:
        return await flow.run(tx, await delivery.record(tx, ended))


async def status(pipe: Pipe, message: UUID | None = None) -> str:
    found: str = await pipe.only(
        "select status from outbound where message_id = coalesce($1, message_id)", message
    )
    return found


async def test_receipts_in_any_order_end_at_the_highest(pipe: Pipe) -> None:
    """Every permutation of all four, one by one: what a status says only rises."""
    for nr, order in enumerate(itertools.permutations(RANK)):
        alice = await conversation(pipe, f"p{nr}")
        message = await pipe.reply(alice)
        (head,) = await claim(pipe)
        await record(pipe, Ended(head, "sent", f"x{nr}"))
        level = 1
        for said in order:
            await pipe.receive(receipt(f"x{nr}", said))
            level = max(level, RANK[said])
            assert RANK[await status(pipe, message)] == level, order


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.sampled_from([*RANK, "queued", "nonsense"]), max_size=6), place=st.integers(0, 6),
    outcome=st.sampled_from(["sent", "delivered", "in_doubt", "queued", "failed"]), keyed=st.booleans(), batched=st.booleans(),
)  # fmt: skip
async def test_receipts_before_beside_and_after_the_outcome_end_the_same(
    pipe: Pipe, told: list[str], place: int, outcome: str, keyed: bool, batched: bool
) -> None:
    """The outcome is written down somewhere among the receipts, which come early or late, with our key or without."""
    person = str(new_id())
    external = f"x{person}"
    message = await pipe.reply(await conversation(pipe, person))
    head = next(one for one in await claim(pipe) if one.message_id == message)
    receipts = [receipt(external, one, head.idempotency_key if keyed else "") for one in told]
    ended = Ended(
        head,
        outcome,
        external if outcome in ("sent", "delivered") else "",
        retry_at=NOW + timedelta(days=3650),
    )
    before, after = receipts[:place], receipts[place:]
    for part in [before] if batched else [[one] for one in before]:
        await pipe.receive(*part)
    await record(pipe, ended)
    for part in [after] if batched else [[one] for one in after]:
        await pipe.receive(*part)
    async with pipe.db.transaction() as tx:
        await flow.run(tx, await delivery.sweep(tx))
    if not (keyed and told) and outcome not in ("sent", "delivered"):
        assert await status(pipe, message) == outcome, "nothing says which message these receipts are of"
        return
    levels = [1, *(RANK[one] for one in told if one in RANK)]
    if (
        outcome != "failed" or not before
    ):  # our own failure counts unless the platform had proved the opposite
        levels.append(RANK.get(outcome, 0))
    assert RANK[await status(pipe, message)] == max(levels)


async def test_a_receipt_before_its_message_waits_and_is_applied_with_the_outcome(pipe: Pipe) -> None:
    await pipe.reply(await conversation(pipe))
    (head,) = await claim(pipe)
    await pipe.receive(receipt("x", "delivered"), receipt("x", "sent"))
    assert await pipe.only("select count(*) from waiting_receipt") == 2
    events = await record(pipe, Ended(head, "sent", "x"))
    assert await status(pipe) == "delivered"
    assert await pipe.sql("select 1 from waiting_receipt") == []
    assert [one.status for one in events if isinstance(one, DeliveryChanged)] == ["delivered"]


async def test_a_receipt_written_at_the_same_moment_as_the_outcome_is_found_by_the_sweep(pipe: Pipe) -> None:
    await pipe.reply(await conversation(pipe))
    (head,) = await claim(pipe)
    async with pipe.db.transaction() as tx:
        await delivery.record(tx, [Ended(head, "sent", "x")])
        await pipe.receive(receipt("x", "read"))
    assert await status(pipe) == "sent"
    async with pipe.db.transaction() as tx:
        await delivery.sweep(tx)
    assert await status(pipe) == "read"


async def test_receipts_of_nobody_are_parked_after_a_day_and_block_nobody(pipe: Pipe) -> None:
    await pipe.receive(receipt("unknown", "read"), pipe.message("next"))
    assert len(await pipe.texts()) == 1
    async with pipe.db.transaction() as tx:
        await delivery.park(tx, NOW + timedelta(hours=1))
    assert await pipe.only("select parked_at is not null from waiting_receipt")


async def test_a_receipt_is_of_its_own_channel(pipe: Pipe) -> None:
    await pipe.connect("other")
    await pipe.reply(await conversation(pipe))
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "sent", "x"))
    other = receipt("x", "read")
    await pipe.receive(
        ReceiptReceived(account="other", dedupe_key="o", external_id="x", status="read"), connection="other"
    )
    assert other
    assert await status(pipe) == "sent"
