"""What was said, and is it open: slots, windows, positions, edits, reactions, versions."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from switchboard.conversations import commands as conversation_verbs
from switchboard.core.commands import (
    Assign,
    ChangeStatus,
    EditConversation,
    MarkRead,
    StartConversation,
    Take,
    WriteMessage,
)
from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import ConversationOpened
from switchboard.core.facts import Claim, EchoReceived, Sender
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from tests.flow.conftest import NOW, Pipe, timedelta

LATER = NOW + timedelta(minutes=5)


async def status(pipe: Pipe, conversation: UUID, to: str, **more: Any) -> None:
    await pipe.run(
        ChangeStatus(workspace_id=pipe.workspace, conversation_id=conversation, status=to, at=NOW, **more)
    )


# -- slots -----------------------------------------------------------------------------------------------------------


async def test_a_group_is_a_conversation_of_its_own_with_many_speakers(pipe: Pipe) -> None:
    for person in ("ann", "bob", "ann"):
        await pipe.receive(pipe.message(person, person, slot="group:7", room_name="Hikers", address="group7"))
    await pipe.receive(pipe.message("private", "ann"))
    rows = await pipe.sql(
        "select c.slot, p.kind, p.name, c.last_position from conversation c join contact p on p.id = c.contact_id order by 1"
    )
    assert [tuple(row) for row in rows] == [("case", "person", "Ann", 1), ("group:7", "room", "Hikers", 3)]
    authors = await pipe.sql("select count(distinct author_id) as n from message m join conversation c on c.id = m.conversation_id "
                             "where c.slot = 'group:7'")  # fmt: skip
    assert authors[0]["n"] == 2


async def test_what_we_said_in_a_room_elsewhere_is_filed_there_and_makes_nobody_a_customer(
    pipe: Pipe,
) -> None:
    await pipe.receive(pipe.message("Which size?", "ann", slot="post:9", room_name="New jacket", address="9"))
    for account in ("main", "new"):
        fact = EchoReceived(
            account="main",
            dedupe_key=f"e{new_id()}",
            external_id=f"own-{account}",
            customer=Sender([Claim("custom:main", account)], name="The shop itself"),
            address="9" if account == "main" else "10",
            parts=[Text("All sizes")],
            slot="post:9" if account == "main" else "post:10",
            occurred_at=NOW,
        )
        await pipe.receive(fact)
    people = await pipe.sql("select kind, name from contact order by 1, 2")
    assert [tuple(row) for row in people] == [("person", "Ann"), ("room", "New jacket"), ("room", "post:10")]
    assert await pipe.only("select count(*) from message where direction = 'out'") == 2


async def test_the_same_group_id_on_two_channels_is_two_groups(pipe: Pipe) -> None:
    await pipe.connect("other")
    await pipe.receive(pipe.message("x", slot="group:7"))
    await pipe.receive(pipe.message("y", slot="group:7", account="other"), connection="other")
    assert await pipe.only("select count(*) from conversation") == 2


async def test_slots_of_one_contact_are_parallel_and_each_goes_on_for_itself(pipe: Pipe) -> None:
    for slot in ("", "thread:1", "thread:2", "post:9", "", "thread:1"):
        await pipe.receive(pipe.message(slot, slot=slot))
    rows = await pipe.sql("select slot, last_position from conversation order by slot")
    assert [tuple(row) for row in rows] == [("case", 2), ("post:9", 1), ("thread:1", 2), ("thread:2", 1)]


async def test_a_verified_contact_on_another_channel_joins_the_open_case(pipe: Pipe) -> None:
    await pipe.connect("other")
    both = Sender([Claim("phone", "+651")])
    await pipe.receive(pipe.message("a", sender=both))
    await pipe.receive(
        pipe.message("b", sender=both, account="other", address="elsewhere"), connection="other"
    )
    assert await pipe.only("select count(*) from conversation") == 1
    assert await pipe.only("select count(*) from conversation_channel") == 2


async def test_a_mail_goes_on_with_the_thread_it_answers_even_long_after(pipe: Pipe) -> None:
    """By the customer's own Message-ID and by ours; a mail that answers nothing opens a case after the window."""
    await pipe.receive(pipe.message("first", nr="<a@example.com>", subject="Order", thread=[]))
    old = await pipe.case()
    answer = await pipe.reply(old)
    await status(pipe, old, "resolved")
    await pipe.sql("update conversation set resolved_at = $1", NOW - timedelta(days=60))
    await pipe.receive(
        pipe.message(
            "re ours", nr="<b@example.com>", subject="Re: Order", thread=[f"<{answer}-0@desk.example>"]
        )
    )
    assert await pipe.only("select count(*) from conversation") == 1
    await status(pipe, old, "resolved")
    await pipe.sql("update conversation set resolved_at = $1", NOW - timedelta(days=60))
    await pipe.receive(
        pipe.message("re theirs", nr="<c@example.com>", thread=["<zzz@example.com>", "<a@example.com>"])
    )
    assert await pipe.only("select count(*) from conversation") == 1
    await status(pipe, old, "resolved")
    await pipe.sql("update conversation set resolved_at = $1", NOW - timedelta(days=60))
    await pipe.receive(pipe.message("new", nr="<d@example.com>", thread=["<zzz@example.com>"]))
    assert await pipe.only("select count(*) from conversation") == 2


@pytest.mark.parametrize(("days", "conversations"), [(2.9, 1), (3.1, 2)])
async def test_a_resolved_case_is_gone_on_with_within_its_window(
    pipe: Pipe, days: float, conversations: int
) -> None:
    await pipe.receive(pipe.message("1"))
    first = await pipe.case()
    await status(pipe, first, "resolved")
    events = await pipe.receive(pipe.message("2"), at=NOW + timedelta(days=days))
    assert await pipe.only("select count(*) from conversation") == conversations
    (opened,) = [one for one in events if isinstance(one, ConversationOpened)]
    assert opened.reopened == (conversations == 1)
    assert await pipe.only("select count(*) from conversation where status in ('new', 'open')") == 1


# -- positions and counts --------------------------------------------------------------------------------------------


async def test_positions_have_no_holes_under_concurrency(pipe: Pipe) -> None:
    """Customers by two channels, agents who answer and note, all at once in one conversation."""
    await pipe.connect("other")
    both = Sender([Claim("phone", "+651")])
    await pipe.receive(pipe.message("0", sender=both))
    conversation = await pipe.case()

    async def customer(channel: str) -> None:
        for nr in range(6):
            await pipe.receive(
                pipe.message(f"{channel}{nr}", sender=both, account=channel), connection=channel
            )

    async def agent(note: bool) -> None:
        for _ in range(6):
            await pipe.reply(conversation, note=note)

    await asyncio.gather(customer("main"), customer("other"), agent(True), agent(False))
    await pipe.process()
    assert [position for _, position, _, _ in await pipe.texts()] == list(range(1, 26))
    assert tuple((await pipe.sql("select last_position, inbound_count from conversation"))[0]) == (25, 13)


async def test_a_message_filed_before_leaves_no_hole_and_changes_nothing(pipe: Pipe) -> None:
    """Repeated after `seen` was pruned, alone and among others, twice in one batch."""
    await pipe.receive(pipe.message("1", nr="1"))
    conversation = await pipe.case()
    await status(pipe, conversation, "resolved")
    await pipe.sql("delete from seen")
    await pipe.sql("update conversation set resolved_at = $1", NOW - timedelta(days=90))
    assert await pipe.receive(pipe.message("1", nr="1")) == []
    assert await pipe.only("select status from conversation") == "resolved"
    await pipe.sql("delete from seen")
    again = pipe.message("2", nr="2", dedupe_key="other key")
    await pipe.receive(pipe.message("1", nr="1"), pipe.message("2", nr="2"), again, pipe.message("3", nr="3"))
    rows = await pipe.sql("select last_position, inbound_count from conversation where status = 'new'")
    assert [tuple(row) for row in rows] == [(2, 2)]
    assert [(position, text) for _, position, _, text in await pipe.texts()] == [(1, "1"), (1, "2"), (2, "3")]


async def test_back_fill_is_marked_and_nobody_waits_for_it(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("history", backfill=True, occurred_at=NOW - timedelta(days=20)))
    assert await pipe.only("select waiting_since from conversation") is None
    assert await pipe.only("select backfill from message")
    await pipe.receive(pipe.message("now"), at=LATER)
    assert await pipe.only("select waiting_since from conversation") == LATER


async def test_who_wrote_a_moment_before_we_were_connected_waits(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("just now", backfill=True, occurred_at=NOW - timedelta(minutes=9)))
    assert await pipe.only("select waiting_since from conversation") == NOW
    assert not await pipe.only("select backfill from message")


async def test_waiting_is_counted_from_the_first_unanswered_message(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    await pipe.receive(pipe.message("2"), at=LATER)
    assert await pipe.only("select waiting_since from conversation") == NOW
    conversation = await pipe.case()
    await pipe.reply(conversation, note=True)
    assert await pipe.only("select waiting_since from conversation") == NOW
    await pipe.reply(conversation)
    assert await pipe.only("select waiting_since from conversation") is None


async def test_reading_counts_only_forward_and_only_what_customers_said(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"), pipe.message("2"))
    conversation = await pipe.case()
    await pipe.reply(conversation, note=True)
    await pipe.receive(pipe.message("4"))

    async def read(position: int) -> int:
        await pipe.run(MarkRead(workspace_id=pipe.workspace, conversation_id=conversation, position=position))
        found: int = await pipe.only("select seen_count from conversation")
        return found

    assert [await read(1), await read(3), await read(2), await read(99)] == [1, 2, 2, 3]


# -- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sleeping", ["snoozed", "resolved"])
async def test_a_note_wakes_nothing(pipe: Pipe, sleeping: str) -> None:
    """A snooze still ends and a resolved case still has its window after somebody left a note."""
    await pipe.receive(pipe.message("1"))
    conversation = await pipe.case()
    await status(pipe, conversation, sleeping, until=LATER)
    looks = "select status, snoozed_until, resolved_at, waiting_since, preview from conversation"
    before = await pipe.sql(looks)
    await pipe.reply(conversation, note=True)
    assert await pipe.sql(looks) == before


@pytest.mark.parametrize("sleeping", ["pending", "snoozed", "resolved"])
async def test_a_customer_who_writes_wakes_everything(pipe: Pipe, sleeping: str) -> None:
    await pipe.receive(pipe.message("1"))
    await status(pipe, await pipe.case(), sleeping, until=LATER)
    await pipe.receive(pipe.message("2"))
    ((now, until, over),) = await pipe.sql("select status, snoozed_until, resolved_at from conversation")
    assert (now, until, over) == ("open", None, None)


async def test_an_answer_to_a_resolved_case_opens_it_unless_there_is_a_newer_one(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    old = await pipe.case()
    await status(pipe, old, "resolved")
    await pipe.reply(old)
    assert await pipe.only("select status from conversation") == "open"
    await status(pipe, old, "resolved")
    await pipe.receive(pipe.message("2"), at=NOW + timedelta(days=9))
    new = await pipe.only("select id from conversation where id <> $1", old)
    for attempt in (pipe.reply(old), status(pipe, old, "open")):
        with pytest.raises(Conflict, match="newer") as refused:
            await attempt
        assert refused.value.conversation == new


async def test_moves_that_make_no_sense_are_refused_in_words(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    conversation = await pipe.case()
    for to, more in (
        ("new", {}),
        ("asleep", {}),
        ("snoozed", {}),
        ("snoozed", {"until": NOW - timedelta(days=1)}),
    ):
        if to == "new":
            await status(pipe, conversation, "open")
        with pytest.raises(Invalid):
            await status(pipe, conversation, to, **more)
    with pytest.raises(NotFound):
        await status(pipe, new_id(), "open")


async def test_a_snooze_that_somebody_is_ending_is_left_to_them(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    conversation = await pipe.case()
    await status(pipe, conversation, "snoozed", until=LATER)
    async with pipe.db.transaction() as tx:
        assert await conversation_verbs.snoozed_due(tx, NOW) == []
        assert await conversation_verbs.snoozed_due(tx, LATER) == [(pipe.workspace, conversation)]
        async with pipe.db.transaction() as other:
            assert await conversation_verbs.snoozed_due(other, LATER) == []


async def test_a_case_started_from_our_side_joins_the_open_one(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    ((contact, identity),) = await pipe.sql("select contact_id, id from identity")

    async def start() -> UUID:
        wanted = new_id()
        await pipe.run(StartConversation(workspace_id=pipe.workspace, conversation_id=wanted, contact_id=contact,
                                         channel_id=pipe.channels["main"], address="alice", identity_id=identity, at=NOW))  # fmt: skip
        return wanted

    await start()
    assert await pipe.only("select count(*) from conversation") == 1
    await status(pipe, await pipe.case(), "resolved")
    begun = await start()
    assert await pipe.only("select status from conversation where id = $1", begun) == "open"
    await pipe.reply(begun)


# -- versions --------------------------------------------------------------------------------------------------------


async def version(pipe: Pipe, conversation: UUID) -> int:
    found: int = await pipe.only(
        "select c.version + coalesce(w.version, 0) from conversation c left join work w on w.conversation_id = c.id where c.id = $1",
        conversation,
    )
    return found


async def test_who_looks_at_an_old_version_is_told_and_changes_nothing(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    conversation, agent = await pipe.case(), await pipe.hire("ann")
    seen = await version(pipe, conversation)
    await pipe.receive(pipe.message("the customer's own words are no conflict"))
    assert await version(pipe, conversation) == seen
    await pipe.run(EditConversation(workspace_id=pipe.workspace, conversation_id=conversation, tags=["x"]))
    base: dict[str, Any] = {
        "workspace_id": pipe.workspace,
        "conversation_id": conversation,
        "at": NOW,
        "expected_version": seen,
    }
    before = await pipe.texts()
    for command in (
        WriteMessage(**base, message_id=new_id(), parts=[Text("late")]), ChangeStatus(**base, status="resolved"),
        Take(**base, agent_id=agent), Assign(**base, agent_id=agent),
    ):  # fmt: skip
        with pytest.raises(Conflict) as refused:
            await pipe.run(command)
        assert refused.value.conversation == conversation
    assert await pipe.texts() == before
    await pipe.run(Take(**base | {"expected_version": await version(pipe, conversation)}, agent_id=agent))


async def test_of_two_who_answer_the_same_version_at_once_one_wins(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    conversation = await pipe.case()
    seen = await version(pipe, conversation)
    answers = await asyncio.gather(
        *(pipe.reply(conversation, expected_version=seen) for _ in range(5)), return_exceptions=True
    )
    assert sorted(isinstance(one, Conflict) for one in answers) == [False, True, True, True, True]
    assert len(await pipe.texts()) == 2


async def test_a_message_id_used_twice_is_written_once(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1"))
    conversation = await pipe.case()
    one = WriteMessage(
        workspace_id=pipe.workspace,
        conversation_id=conversation,
        message_id=new_id(),
        parts=[Text("x")],
        at=NOW,
    )
    await pipe.run(one)
    with pytest.raises(Conflict, match="already"):
        await pipe.run(one)
    assert await pipe.only("select last_position from conversation") == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"parts": []}, "parts"),
        ({"reply_to": new_id()}, "reply_to"),
        ({"channel_id": new_id()}, "channel_id"),
        ({"parts": [Text("  ")]}, "parts"),
    ],
    ids=["no parts", "answers nothing", "unreachable", "only blanks"],
)
async def test_answers_that_cannot_be_sent_are_refused_with_their_field(
    pipe: Pipe, change: dict[str, Any], field: str
) -> None:
    await pipe.receive(pipe.message("1"))
    base: dict[str, Any] = {"workspace_id": pipe.workspace, "conversation_id": await pipe.case(), "message_id": new_id(), "parts": [Text("x")],
                            "at": NOW}  # fmt: skip
    with pytest.raises(Invalid) as refused:
        await pipe.run(WriteMessage(**base | change))
    assert refused.value.field == field
    assert len(await pipe.texts()) == 1
