"""Merging contacts and taking the merge apart: nothing is lost, and undone in reverse everything is as it was."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard import flow
from switchboard.core.commands import (
    ChangeStatus,
    EditContact,
    MergeContacts,
    Resend,
    StartConversation,
    UndoMerge,
    WriteMessage,
)
from switchboard.core.conversation import STATUSES, joined_status
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.facts import Claim, Sender
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.db.pool import TRANSIENT
from tests.flow.conftest import NOW, Pipe, timedelta

STATE = {
    "contact": "select id, name, level, language, notes, tags, attributes::text, merged_into, last_seen_at from contact order by id",
    "identity": "select id, contact_id, space, value, verified from identity order by id",
    "claim": "select contact_id, space, value from claim order by contact_id, space, value",
    "conversation": "select id, contact_id, slot, status, last_position, inbound_count, seen_count, resolved_at, snoozed_until, last_at, "
    "last_direction, waiting_since, preview, channel_id from conversation order by id",
    "conversation_channel": "select conversation_id, channel_id, address, identity_id, verified, last_inbound_at from conversation_channel "
    "order by conversation_id, channel_id, address",
    "message": "select id, conversation_id, position, parts::text from message order by id",
}


async def state(pipe: Pipe) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: [tuple(map(str, row)) for row in await pipe.sql(statement)] for name, statement in STATE.items()
    }


def person(name: str) -> Sender:
    return Sender([Claim("custom:main", name)], name=name)


async def contact_of(pipe: Pipe, name: str) -> UUID:
    found: UUID = await pipe.only("select contact_id from identity where value = $1", name)
    return found


async def merge(pipe: Pipe, kept: UUID, merged: UUID) -> UUID:
    one = new_id()
    await pipe.run(
        MergeContacts(workspace_id=pipe.workspace, merge_id=one, kept_id=kept, merged_id=merged, at=NOW)
    )
    return one


async def undo(pipe: Pipe, merge_id: UUID) -> None:
    await pipe.run(UndoMerge(workspace_id=pipe.workspace, merge_id=merge_id, at=NOW))


async def two(pipe: Pipe) -> tuple[UUID, UUID]:
    """Ann, who wrote twice, and Bob, who wrote thrice a little later."""
    await pipe.receive(pipe.message("a1", "ann"), pipe.message("a2", "ann"))
    await pipe.receive(*(pipe.message(f"b{nr}", "bob") for nr in range(1, 4)), at=NOW + timedelta(seconds=5))
    return await contact_of(pipe, "ann"), await contact_of(pipe, "bob")


async def test_equal_slots_are_joined_into_one_timeline(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    await merge(pipe, ann, bob)
    rows = await pipe.sql(
        "select id, contact_id, last_position, inbound_count, waiting_since, preview from conversation where status = 'new'"
    )
    assert [tuple(row)[1:] for row in rows] == [(ann, 5, 5, NOW, "b3")]
    said = [
        (position, text)
        for conversation, position, _, text in await pipe.texts()
        if conversation == rows[0]["id"]
    ]
    assert said == [(1, "a1"), (2, "a2"), (3, "b1"), (4, "b2"), (5, "b3")]
    assert (
        await pipe.only("select count(*) from conversation_channel where conversation_id = $1", rows[0]["id"])
        == 2
    )
    assert (
        await pipe.only(
            "select state from work w join conversation c on c.id = w.conversation_id where c.status = 'resolved'"
        )
        == "done"
    )


async def test_who_was_merged_and_writes_again_goes_on_in_the_joined_case(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    await merge(pipe, ann, bob)
    await pipe.receive(pipe.message("b4", "bob"))
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 1
    assert (await pipe.texts())[-1][3] == "b4" or "b4" in {text for *_, text in await pipe.texts()}


async def test_a_joined_away_conversation_is_not_the_one_that_goes_on(pipe: Pipe) -> None:
    """The case is resolved and the customer writes within the window: the timeline with the words is reopened."""
    ann, bob = await two(pipe)
    await merge(pipe, ann, bob)
    whole = await pipe.only("select id from conversation where status = 'new'")
    await pipe.run(
        ChangeStatus(workspace_id=pipe.workspace, conversation_id=whole, status="resolved", at=NOW)
    )
    await pipe.receive(pipe.message("again", "bob"))
    assert await pipe.only("select conversation_id from message where parts->0->>'text' = 'again'") == whole


async def test_undone_at_once_everything_is_as_it_was(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    await pipe.run(
        EditContact(
            workspace_id=pipe.workspace, contact_id=bob, changes={"notes": "likes tea", "tags": ["vip", "b"]}
        )
    )
    before = await state(pipe)
    one = await merge(pipe, ann, bob)
    assert await state(pipe) != before
    await undo(pipe, one)
    assert await state(pipe) == before
    assert await pipe.only("select count(*) from work where state = 'queued'") == 2, (
        "both wait for somebody again"
    )


async def nothing_is_left_with_the_merged(pipe: Pipe) -> None:
    """Timelines have no gaps; identities and conversations belong to whom the contacts were merged into."""
    timelines = await pipe.sql(
        "select conversation_id, array_agg(position order by position) as at from message group by 1"
    )
    assert all(list(row["at"]) == list(range(1, len(row["at"]) + 1)) for row in timelines)
    for table in ("identity", "conversation"):
        left = (
            f"select 1 from {table} x join contact c on c.id = x.contact_id where c.merged_into is not null"
        )
        assert await pipe.sql(left) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_random_merges_undone_in_reverse_restore_everything(pipe: Pipe, data: st.DataObject) -> None:
    """People with several identities, claims, statuses and conversations; merged in random order and direction."""
    prefix = str(new_id())[-6:]
    people = [f"{prefix}-{nr}" for nr in range(data.draw(st.integers(2, 5)))]
    for nr, name in enumerate(people):
        claims = [
            Claim("custom:main", name),
            Claim("phone", f"+{prefix}{nr}"),
            Claim("email", f"{nr % 2}@{prefix}", False),
        ]
        await pipe.receive(*(pipe.message(f"{name} {at}", name, sender=Sender(claims, name=name))
                             for at in range(data.draw(st.integers(1, 3)))), at=NOW + timedelta(seconds=nr))  # fmt: skip
        conversation = await pipe.only(
            "select conversation_id from message where parts->0->>'text' = $1", f"{name} 0"
        )
        if (status := data.draw(st.sampled_from(STATUSES))) != "new":
            await pipe.run(ChangeStatus(workspace_id=pipe.workspace, conversation_id=conversation, status=status, at=NOW,
                                        until=NOW + timedelta(days=1)))  # fmt: skip
        contact = await contact_of(pipe, name)
        tags = data.draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True))
        await pipe.run(
            EditContact(
                workspace_id=pipe.workspace,
                contact_id=contact,
                changes={"tags": tags, "attributes": {name: nr}},
            )
        )
    contacts = [await contact_of(pipe, name) for name in people]
    before = await state(pipe)
    done = []
    for _ in range(data.draw(st.integers(1, len(contacts)))):
        kept, merged = data.draw(st.permutations(contacts))[:2]
        one = await merge(pipe, kept, merged)
        if await pipe.sql("select 1 from merge where id = $1", one):
            done.append(one)
    await nothing_is_left_with_the_merged(pipe)
    for one in reversed(done):
        await undo(pipe, one)
    assert await state(pipe) == before


async def test_what_was_said_after_the_join_goes_with_who_said_it(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    one = await merge(pipe, ann, bob)
    await pipe.receive(pipe.message("b later", "bob"), at=NOW + timedelta(minutes=1))
    await pipe.receive(pipe.message("a later", "ann"), at=NOW + timedelta(minutes=2))
    await undo(pipe, one)
    said: dict[UUID, list[str]] = {ann: [], bob: []}
    for contact, _, text in await pipe.sql(
        "select c.contact_id, m.position, m.parts->0->>'text' as text from message m join conversation c on c.id = m.conversation_id order by 2"
    ):
        said[contact].append(text)
    assert said == {ann: ["a1", "a2", "a later"], bob: ["b1", "b2", "b3", "b later"]}
    rows = await pipe.sql(
        "select contact_id, status, preview, inbound_count from conversation order by contact_id"
    )
    assert [tuple(row) for row in rows] == [(ann, "new", "a later", 3), (bob, "open", "b later", 4)]


async def test_after_an_undo_nobody_is_answered_by_the_others_address(pipe: Pipe) -> None:
    """The last verified channel used in the joined case was the other person's."""
    ann, bob = await two(pipe)
    one = await merge(pipe, ann, bob)
    await pipe.receive(pipe.message("b later", "bob"), at=NOW + timedelta(minutes=1))
    await undo(pipe, one)
    for contact, address in ((ann, "ann"), (bob, "bob")):
        conversation = await pipe.only("select id from conversation where contact_id = $1", contact)
        message = await pipe.reply(conversation)
        assert await pipe.only("select address from outbound where message_id = $1", message) == address


async def test_a_merge_below_another_is_undone_only_after_it(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    await pipe.receive(pipe.message("c", "cat"))
    cat = await contact_of(pipe, "cat")
    first = await merge(pipe, ann, bob)
    second = await merge(pipe, cat, ann)
    with pytest.raises(Conflict, match="undo that merge first"):
        await undo(pipe, first)
    await undo(pipe, second)
    await undo(pipe, first)
    with pytest.raises(NotFound):
        await undo(pipe, first)


async def test_fields_that_somebody_edited_since_stay_edited(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    await pipe.run(
        EditContact(
            workspace_id=pipe.workspace, contact_id=bob, changes={"level": "vip", "notes": "from bob"}
        )
    )
    one = await merge(pipe, ann, bob)
    await pipe.run(
        EditContact(workspace_id=pipe.workspace, contact_id=ann, changes={"notes": "written since"})
    )
    await undo(pipe, one)
    assert tuple((await pipe.sql("select level, notes from contact where id = $1", ann))[0]) == (
        "",
        "written since",
    )


async def test_opposite_merges_at_once_end_and_leave_one_contact(pipe: Pipe) -> None:
    for nr in range(6):
        await pipe.receive(pipe.message("x", f"l{nr}"), pipe.message("y", f"r{nr}"))
        left, right = await contact_of(pipe, f"l{nr}"), await contact_of(pipe, f"r{nr}")
        async with asyncio.timeout(10):
            await asyncio.gather(_stubborn(pipe, left, right), _stubborn(pipe, right, left))
        assert await pipe.only("select count(*) from contact where merged_into is null") == nr + 1
        assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == nr + 1


async def _stubborn(pipe: Pipe, kept: UUID, merged: UUID) -> None:
    while True:
        try:
            await merge(pipe, kept, merged)
        except TRANSIENT:
            continue
        return


async def test_a_message_that_arrives_during_a_merge_is_filed_with_the_kept_contact(pipe: Pipe) -> None:
    """The batch looks the merged contact up, waits for the merge, and must not file under who is gone."""
    ann, bob = await two(pipe)
    await pipe.accept(pipe.message("in between", "bob"))
    async with pipe.db.transaction() as tx:
        from_now = asyncio.create_task(pipe.process())
        await run_in(
            tx,
            MergeContacts(workspace_id=pipe.workspace, merge_id=new_id(), kept_id=ann, merged_id=bob, at=NOW),
        )
        await asyncio.sleep(0.15)
        assert not from_now.done(), "the batch waits for the contact"
    await from_now
    assert await pipe.only("select c.contact_id from message m join conversation c on c.id = m.conversation_id "
                           "where m.parts->0->>'text' = 'in between'") == ann  # fmt: skip
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 1


async def run_in(tx: Any, *commands: Any) -> None:
    await flow.run(tx, commands)


async def test_a_contact_is_not_merged_with_itself_or_nobody_and_only_once(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    with pytest.raises(Invalid):
        await merge(pipe, ann, ann)
    with pytest.raises(NotFound):
        await merge(pipe, ann, new_id())
    await merge(pipe, ann, bob)
    before = await state(pipe)
    await merge(pipe, ann, bob)
    await merge(pipe, bob, ann)
    assert await state(pipe) == before


async def test_a_sleeping_case_wakes_when_one_that_needs_us_is_joined_to_it(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    conversation = await pipe.only("select id from conversation where contact_id = $1", ann)
    await pipe.run(ChangeStatus(workspace_id=pipe.workspace, conversation_id=conversation, status="snoozed", at=NOW,
                                until=NOW + timedelta(days=1)))  # fmt: skip
    await merge(pipe, ann, bob)
    assert tuple(
        (await pipe.sql("select status, snoozed_until from conversation where id = $1", conversation))[0]
    ) == ("open", None)


async def test_what_is_on_its_way_is_settled_in_the_conversation_it_moved_to(pipe: Pipe) -> None:
    """A failed answer of a joined conversation can be sent again from where it is shown now."""
    ann, bob = await two(pipe)
    message = await pipe.reply(await pipe.only("select id from conversation where contact_id = $1", bob))
    await pipe.sql("update outbound set status = 'failed'")
    await merge(pipe, ann, bob)
    await pipe.run(Resend(workspace_id=pipe.workspace, message_id=message, at=NOW))
    assert await pipe.only("select status from outbound") == "queued"


async def test_slots_of_different_kinds_stay_apart(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("case", "ann"), pipe.message("mail", "bob", slot="thread:1"))
    ann, bob = await contact_of(pipe, "ann"), await contact_of(pipe, "bob")
    await merge(pipe, ann, bob)
    assert (
        await pipe.only(
            "select count(*) from conversation where contact_id = $1 and status <> 'resolved'", ann
        )
        == 2
    )


async def test_a_case_is_not_started_with_a_contact_that_is_part_of_another(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    identity = await pipe.only("select id from identity where value = 'bob'")
    await merge(pipe, ann, bob)
    start = StartConversation(workspace_id=pipe.workspace, conversation_id=new_id(), contact_id=bob, channel_id=pipe.channels["main"],
                              address="bob", identity_id=identity, at=NOW)  # fmt: skip
    with pytest.raises(Conflict):
        await pipe.run(start)


def test_a_joined_status_is_awake_when_either_needs_us() -> None:
    live = [one for one in STATUSES if one != "resolved"]
    for source in live:
        for target in live:
            found = joined_status(source, target)
            assert found in live
            if {source, target} & {"new", "open"}:
                assert found in ("new", "open")
            if source == target:
                assert found == target


async def test_notes_stay_with_the_timeline_they_were_written_in(pipe: Pipe) -> None:
    ann, bob = await two(pipe)
    conversation = await pipe.only("select id from conversation where contact_id = $1", bob)
    note = WriteMessage(
        workspace_id=pipe.workspace,
        conversation_id=conversation,
        message_id=new_id(),
        parts=[Text("n")],
        at=NOW,
        note=True,
    )
    await pipe.run(note)
    one = await merge(pipe, ann, bob)
    await undo(pipe, one)
    assert await pipe.only("select conversation_id from message where direction = 'note'") == conversation
