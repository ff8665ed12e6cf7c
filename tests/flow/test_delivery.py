"""Get it out, know what happened: heads, outcomes, echoes, pieces, doubt and how it is settled."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard import flow
from switchboard.core.commands import Resend
from switchboard.core.errors import Invalid, NotFound
from switchboard.core.events import DeliveryChanged
from switchboard.core.facts import Claim, EchoReceived, ReceiptReceived, Sender
from switchboard.core.ids import new_id, send_key, split_send_key
from switchboard.core.parts import Text
from switchboard.delivery import commands as delivery
from switchboard.delivery.commands import Ended, Piece
from tests.flow.conftest import NOW, Pipe, timedelta


def receipt(external: str, status: str, key: str = "", **more: Any) -> ReceiptReceived:
    return ReceiptReceived(
        account="main",
        dedupe_key=f"r{new_id()}",
        external_id=external,
        status=status,
        idempotency_key=key,
        **more,
    )


def echo(external: str, text: str, key: str = "", person: str = "alice") -> EchoReceived:
    return EchoReceived(account="main", dedupe_key=f"e{new_id()}", external_id=external, customer=Sender([Claim("custom:main", person)]),
                        address=person, parts=[Text(text)], idempotency_key=key, occurred_at=NOW)  # fmt: skip


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


# -- heads -----------------------------------------------------------------------------------------------------------


async def test_one_head_for_each_recipient_in_the_order_written(pipe: Pipe) -> None:
    alice, bob = await conversation(pipe), await conversation(pipe, "bob")
    first = [await pipe.reply(alice, "a1"), await pipe.reply(bob, "b1")]
    second = [await pipe.reply(alice, "a2"), await pipe.reply(bob, "b2")]
    heads = await claim(pipe)
    assert [one.message_id for one in heads] == first
    assert await claim(pipe) == [], "the next wait until the heads have ended"
    await record(pipe, *(Ended(one, "sent", f"x{nr}") for nr, one in enumerate(heads)))
    assert [one.message_id for one in await claim(pipe)] == second


async def test_two_who_claim_at_once_get_different_pieces(pipe: Pipe) -> None:
    for nr in range(6):
        await pipe.reply(await conversation(pipe, f"p{nr}"))
    async with pipe.db.transaction() as one, pipe.db.transaction() as other:
        mine = await delivery.claim(one, pipe.connections["main"], new_id(), 4)
        theirs = await delivery.claim(other, pipe.connections["main"], new_id(), 64)
    assert len(mine) == 4
    assert len({piece.id for piece in [*mine, *theirs]}) == len(mine) + len(theirs)


async def test_a_head_that_waits_holds_its_followers_for_a_minute_and_no_longer(pipe: Pipe) -> None:
    """Told to come back in an hour: after a minute the ones behind it pass, and it is marked when it had its turn."""
    alice = await conversation(pipe)
    slow, quick = await pipe.reply(alice, "slow"), await pipe.reply(alice, "quick")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "queued", code="429", retry_at=NOW + timedelta(days=3650)))
    assert await claim(pipe) == []
    await pipe.sql(
        "update outbound set first_tried_at = now() - interval '61 seconds' where message_id = $1", slow
    )
    (passing,) = await claim(pipe)
    assert passing.message_id == quick
    await record(pipe, Ended(passing, "sent", "q"))
    await pipe.sql("update outbound set due_at = now() where message_id = $1", slow)
    (again,) = await claim(pipe)
    assert again.message_id == slow
    await record(pipe, Ended(again, "queued", retry_at=NOW))
    assert await pipe.only("select passed from outbound where message_id = $1", slow)


async def test_a_head_whose_turn_has_come_goes_before_its_followers_however_old(pipe: Pipe) -> None:
    """After a repaired sign-in everything is due at once; the order written is the order sent."""
    alice = await conversation(pipe)
    first, second = await pipe.reply(alice, "1"), await pipe.reply(alice, "2")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "queued", retry_at=NOW - timedelta(days=400)))
    await pipe.sql(
        "update outbound set first_tried_at = now() - interval '1 hour' where message_id = $1", first
    )
    (head,) = await claim(pipe)
    assert head.message_id == first
    assert await claim(pipe) == []
    await record(pipe, Ended(head, "sent", "1"))
    assert [one.message_id for one in await claim(pipe)] == [second]


async def test_a_head_in_doubt_lets_its_followers_pass(pipe: Pipe) -> None:
    alice = await conversation(pipe)
    await pipe.reply(alice, "1")
    second = await pipe.reply(alice, "2")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "in_doubt"))
    assert [one.message_id for one in await claim(pipe)] == [second]


# -- outcomes --------------------------------------------------------------------------------------------------------


async def test_a_late_word_of_doubt_never_takes_back_what_a_receipt_proved(pipe: Pipe) -> None:
    """The platform took it and told so by our key; then our own request ran out of time."""
    for outcome in ("in_doubt", "queued", "failed"):
        message = await pipe.reply(await conversation(pipe, outcome))
        head = next(one for one in await claim(pipe) if one.message_id == message)
        await pipe.receive(receipt(f"x{outcome}", "sent", head.idempotency_key))
        await record(pipe, Ended(head, outcome, retry_at=NOW))
        assert await status(pipe, message) == "sent", outcome
        assert await claim(pipe) == [], "and nothing is sent twice"


async def test_a_failure_that_a_receipt_told_is_not_covered_by_our_own_success(pipe: Pipe) -> None:
    message = await pipe.reply(await conversation(pipe))
    (head,) = await claim(pipe)
    await pipe.receive(
        receipt("x", "failed", head.idempotency_key, code="131026", error="not on the network")
    )
    await record(pipe, Ended(head, "sent", "x"))
    assert await status(pipe, message) == "failed"
    assert await pipe.only("select error from outbound") == "not on the network"


async def test_the_same_platform_id_for_two_pieces_stops_nothing(pipe: Pipe) -> None:
    """A partner's system that answers every post with the same id."""
    for person in ("ann", "bob", "cat"):
        await pipe.reply(await conversation(pipe, person))
    heads = await claim(pipe)
    await record(pipe, Ended(heads[0], "sent", "1"), Ended(heads[1], "sent", "1"))
    await record(pipe, Ended(heads[2], "sent", "1"))
    rows = await pipe.sql("select status, external_id from outbound order by id")
    assert [tuple(row) for row in rows] == [("sent", "1"), ("sent", None), ("sent", None)]


async def test_an_attempt_that_was_given_up_cannot_undo_the_next_one(pipe: Pipe) -> None:
    """The first holder's late answers, after another holder has taken the piece over."""
    message = await pipe.reply(await conversation(pipe))
    (old,) = await claim(pipe)
    async with pipe.db.transaction() as tx:
        await delivery.recover(tx, pipe.connections["main"], [], idempotent=True)
    (new,) = await claim(pipe)
    for outcome in ("queued", "in_doubt", "failed"):
        await record(pipe, Ended(old, outcome, retry_at=NOW))
        assert await status(pipe, message) == "sending"
    assert await claim(pipe) == []
    await record(pipe, Ended(old, "sent", "x"))
    assert await status(pipe, message) == "sent"
    await record(pipe, Ended(new, "in_doubt"))
    assert await status(pipe, message) == "sent"


@pytest.mark.parametrize(("idempotent", "expected"), [(True, "queued"), (False, "in_doubt")])
async def test_what_a_dead_holder_left_is_sent_again_only_with_the_platforms_key(
    pipe: Pipe, idempotent: bool, expected: str
) -> None:
    await pipe.reply(await conversation(pipe))
    await pipe.reply(await conversation(pipe, "bob"))
    mine = new_id()
    async with pipe.db.transaction() as tx:
        await delivery.claim(tx, pipe.connections["main"], new_id(), 1)
    kept = await claim(pipe, batch=mine)
    async with pipe.db.transaction() as tx:
        events = await delivery.recover(tx, pipe.connections["main"], [mine], idempotent=idempotent)
    assert len(events) == 1
    rows = {row["id"]: row["status"] for row in await pipe.sql("select id, status from outbound")}
    assert rows.pop(kept[0].id) == "sending"
    assert list(rows.values()) == [expected]


async def test_doubt_is_settled_by_key_receipt_echo_or_hand(pipe: Pipe) -> None:
    async def doubtful(person: str) -> tuple[UUID, Piece]:
        message = await pipe.reply(await conversation(pipe, person), f"to {person}")
        head = next(one for one in await claim(pipe) if one.message_id == message)
        await record(pipe, Ended(head, "in_doubt", code="timeout", error="no answer"))
        assert await status(pipe, message) == "in_doubt"
        return message, head

    message, head = await doubtful("key")
    await pipe.receive(receipt("xk", "delivered", head.idempotency_key))
    assert await status(pipe, message) == "delivered"
    message, head = await doubtful("echo")
    await pipe.receive(echo("xe", "to echo", person="echo"))
    assert await status(pipe, message) == "sent"
    message, head = await doubtful("keyed echo")
    await pipe.receive(echo("xq", "reworded by the platform", head.idempotency_key, person="keyed echo"))
    assert await status(pipe, message) == "sent"
    message, head = await doubtful("hand")
    await pipe.run(Resend(workspace_id=pipe.workspace, message_id=message, at=NOW))
    (again,) = await claim(pipe)
    assert (again.message_id, again.idempotency_key, again.attempts) == (message, head.idempotency_key, 1)
    await record(pipe, Ended(again, "sent", "xh"))
    assert await status(pipe, message) == "sent"
    with pytest.raises(NotFound):
        await pipe.run(Resend(workspace_id=pipe.workspace, message_id=message, at=NOW))
    assert len(await pipe.texts()) == 8, "no echo was filed beside its message"


async def test_an_early_receipt_is_applied_when_an_echo_tells_the_id(pipe: Pipe) -> None:
    message = await pipe.reply(await conversation(pipe), "words")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "in_doubt"))
    await pipe.receive(receipt("x", "read"))
    await pipe.receive(echo("x", "words"))
    assert await status(pipe, message) == "read"


async def test_a_resent_message_takes_the_id_of_its_new_send(pipe: Pipe) -> None:
    message = await pipe.reply(await conversation(pipe))
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "sent", "old"))
    await pipe.receive(receipt("old", "failed"))
    await pipe.run(Resend(workspace_id=pipe.workspace, message_id=message, at=NOW))
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "sent", "new"))
    await pipe.receive(receipt("old", "failed"), receipt("new", "delivered"))
    assert await status(pipe, message) == "delivered"


# -- echoes ----------------------------------------------------------------------------------------------------------


async def test_an_echo_of_our_own_send_is_recognised_and_files_nothing(pipe: Pipe) -> None:
    """Before and after our own answer from the platform, and once more for good measure."""
    message = await pipe.reply(await conversation(pipe), "words")
    (head,) = await claim(pipe)
    await pipe.receive(echo("x", "words"))
    assert await status(pipe, message) == "sent"
    await record(pipe, Ended(head, "sent", "x"))
    await pipe.sql("delete from seen")
    await pipe.receive(echo("x", "words"))
    assert [text for *_, text in await pipe.texts()] == ["hello", "words"]


async def test_two_equal_answers_under_way_are_two_echoes(pipe: Pipe) -> None:
    alice = await conversation(pipe)
    first, second = await pipe.reply(alice, "ok"), await pipe.reply(alice, "ok")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "in_doubt"))
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "in_doubt"))
    await pipe.receive(echo("x1", "ok"), echo("x2", "ok"))
    rows = await pipe.sql("select message_id, external_id, status from outbound order by id")
    assert [tuple(row) for row in rows] == [(first, "x1", "sent"), (second, "x2", "sent")]
    assert len(await pipe.texts()) == 3


STRANGE_ID = UUID("01900000-0000-7000-8000-0000000000aa")


@pytest.mark.parametrize("key", ["", "another tool's key", str(STRANGE_ID), send_key(STRANGE_ID, 0)])
async def test_a_foreign_echo_is_filed_as_ours(pipe: Pipe, key: str) -> None:
    """Written on the company's phone, or by another tool that has keys of its own."""
    await conversation(pipe)
    await pipe.receive(echo("x", "from the phone", key))
    rows = await pipe.sql(
        "select direction, author_kind, parts->0->>'text' as text from message order by position"
    )
    assert tuple(rows[1]) == ("out", "platform", "from the phone")
    assert await pipe.only("select waiting_since from conversation") is None
    assert await pipe.sql("select 1 from outbound") == []


async def test_an_echo_to_somebody_new_opens_their_case(pipe: Pipe) -> None:
    await pipe.receive(echo("x", "we begin", person="zoe"))
    assert await pipe.only("select count(*) from conversation") == 1


# -- pieces ----------------------------------------------------------------------------------------------------------


async def test_a_piece_that_waits_lets_others_pass_but_not_the_rest_of_its_message(pipe: Pipe) -> None:
    alice = await conversation(pipe)
    await pipe.sql("update channel set kind = 'whatsapp'")
    await pipe.reply(alice, "sentence. " * 900)
    after = await pipe.reply(alice, "after it")
    (head,) = await claim(pipe)
    await record(pipe, Ended(head, "queued", code="429", retry_at=NOW + timedelta(days=3650)))
    await pipe.sql(
        "update outbound set first_tried_at = now() - interval '61 seconds' where piece = 0 and pieces > 1"
    )
    (passing,) = await claim(pipe)
    assert passing.message_id == after
    await record(pipe, Ended(passing, "sent", "a"))
    assert await claim(pipe) == []
    await pipe.sql("update outbound set due_at = now()")
    for piece in range(3):
        (head,) = await claim(pipe)
        assert head.piece == piece
        await record(pipe, Ended(head, "sent", f"p{piece}"))


async def test_a_long_text_goes_in_pieces_and_the_message_is_as_far_as_its_slowest(pipe: Pipe) -> None:
    alice = await conversation(pipe)
    # the custom channel sends many parts at once; one that doesn't shows the pieces
    await pipe.sql("update channel set kind = 'whatsapp'")
    message = await pipe.reply(alice, "sentence. " * 900)
    pieces = await pipe.sql(
        "select piece, pieces, length(body->'parts'->0->>'text') as size from outbound order by piece"
    )
    assert len(pieces) >= 3
    assert all(row["pieces"] == len(pieces) and row["size"] <= 4096 for row in pieces)
    told = []
    for row in pieces:
        (head,) = await claim(pipe)
        assert head.piece == row["piece"], "one after the other"
        events = await record(pipe, Ended(head, "sent", f"x{row['piece']}"))
        told += [one.status for one in events if isinstance(one, DeliveryChanged)]
    assert told == ["queued"] * (len(pieces) - 1) + ["sent"]
    for row in pieces[:-1]:
        await pipe.receive(receipt(f"x{row['piece']}", "read"))
    assert await _message_status(pipe, message) == "sent"
    await pipe.receive(receipt(f"x{pieces[-1]['piece']}", "delivered"))
    assert await _message_status(pipe, message) == "delivered"


async def _message_status(pipe: Pipe, message: UUID) -> str:
    found: str = await pipe.only("select data->>'status' from event where type = 'delivery_changed' and data->>'message_id' = $1 "
                                 "order by nr desc limit 1", str(message))  # fmt: skip
    return found


async def test_what_a_channel_cannot_carry_is_refused_before_anything_is_sent(pipe: Pipe) -> None:
    alice = await conversation(pipe)
    await pipe.sql("update channel set kind = 'whatsapp'")
    with pytest.raises(Invalid):
        await pipe.reply(alice, "   \n ")
    assert await pipe.sql("select 1 from outbound") == []


@given(st.uuids(), st.integers(0, (1 << 15) - 1))
def test_a_send_key_is_read_back(message: UUID, piece: int) -> None:
    assert split_send_key(send_key(message, piece)) == (message, piece)


@given(st.text(max_size=60))
def test_anything_else_is_no_key_of_ours_or_within_bounds(text: str) -> None:
    found = split_send_key(text)
    assert found is None or 0 <= found[1] < 1 << 15


def test_waiting_between_tries_doubles_up_to_five_minutes() -> None:
    waits = [delivery.backoff(nr).total_seconds() for nr in range(1, 14)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 300)
