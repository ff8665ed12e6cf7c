"""Facts become conversations: one case per person, in order, nothing twice."""

import asyncio
from datetime import timedelta

from switchboard import flow
from switchboard.core.events import ConversationOpened, ConversationQueued, MessageFiled
from switchboard.core.facts import Claim, MessageEdited, MessageRecalled, Sender
from switchboard.core.parts import Text
from switchboard.ingest import commands as ingest
from tests.flow.conftest import NOW, Pipe


async def test_a_message_opens_a_conversation_and_queues_it(pipe: Pipe) -> None:
    events = await pipe.receive(pipe.message("hello"))
    assert {type(one) for one in events} >= {ConversationOpened, ConversationQueued, MessageFiled}
    ((_, position, direction, text),) = await pipe.texts()
    assert (position, direction, text) == (1, "in", "hello")
    ((status, waiting, preview),) = await pipe.sql("select status, waiting_since, preview from conversation")
    assert (status, waiting, preview) == ("new", NOW, "hello")


async def test_the_same_webhook_again_adds_nothing(pipe: Pipe) -> None:
    fact = pipe.message("once", nr="1")
    assert await pipe.accept(fact) == 1
    assert await pipe.accept(fact) == 0
    assert await pipe.accept(fact, fact) == 0
    await pipe.process()
    assert len(await pipe.texts()) == 1


async def test_a_message_seen_long_ago_is_filed_once(pipe: Pipe) -> None:
    """The platform repeats a message after `seen` was pruned: the timeline still has it once, and the lane goes on."""
    await pipe.receive(pipe.message("once", nr="1"))
    await pipe.sql("delete from seen")
    await pipe.receive(pipe.message("once", nr="1"), pipe.message("next", nr="2"))
    assert [text for *_, text in await pipe.texts()] == ["once", "next"]
    assert await pipe.sql("select 1 from fact") == []


async def test_parallel_first_messages_of_a_new_contact_make_one_conversation(pipe: Pipe) -> None:
    """Several webhooks at once, processed by several workers at once."""
    await asyncio.gather(*(pipe.accept(pipe.message(f"m{nr}")) for nr in range(20)))
    await asyncio.gather(*(pipe.process() for _ in range(4)))
    assert len(await pipe.sql("select 1 from contact")) == 1
    assert len(await pipe.sql("select 1 from conversation")) == 1
    assert sorted(position for _, position, _, _ in await pipe.texts()) == list(range(1, 21))


async def test_two_lanes_of_one_contact_make_one_conversation(pipe: Pipe) -> None:
    """The same verified phone on two channels at the same moment: different lanes, one case."""
    await pipe.connect("other")
    both = Sender([Claim("phone", "+6591234567")], name="Mei")
    for nr in range(8):
        await asyncio.gather(
            pipe.accept(pipe.message("a", "mei", f"a{nr}", sender=both)),
            pipe.accept(pipe.message("b", "mei", f"b{nr}", sender=both, account="other"), connection="other"),
        )
    await asyncio.gather(pipe.process(), pipe.process(), pipe.process())
    assert len(await pipe.sql("select 1 from contact")) == 1
    assert len(await pipe.sql("select 1 from conversation")) == 1
    assert len(await pipe.texts()) == 16


async def test_a_batch_is_ordered_by_the_platforms_time(pipe: Pipe) -> None:
    late = pipe.message("second", occurred_at=NOW - timedelta(seconds=1))
    early = pipe.message("first", occurred_at=NOW - timedelta(seconds=9))
    await pipe.receive(late, early)
    assert [text for *_, text in await pipe.texts()] == ["first", "second"]


async def test_the_customers_time_is_kept_within_thirty_days(pipe: Pipe) -> None:
    await pipe.receive(
        pipe.message("old", occurred_at=NOW - timedelta(days=400)),
        pipe.message("future", occurred_at=NOW + timedelta(days=9)),
    )
    times = [
        row["occurred_at"] for row in await pipe.sql("select occurred_at from message order by position")
    ]
    assert times == [NOW - timedelta(days=30), NOW]


async def test_an_edit_and_a_recall_before_their_message_wait_for_it(pipe: Pipe) -> None:
    edit = MessageEdited(
        account="main", dedupe_key="e", external_id="7", parts=[Text("corrected")], occurred_at=NOW
    )
    recall = MessageRecalled(account="main", dedupe_key="r", external_id="8", occurred_at=NOW)
    await pipe.receive(edit, recall)
    assert len(await pipe.sql("select 1 from waiting_change")) == 2
    await pipe.receive(pipe.message("typo", nr="7"), pipe.message("regretted", nr="8"))
    rows = await pipe.sql(
        "select parts->0->>'text' as text, edited_at, recalled_at from message order by position"
    )
    assert rows[0]["text"] == "corrected"
    assert rows[0]["edited_at"] is not None
    assert rows[1]["recalled_at"] is not None
    assert await pipe.sql("select 1 from waiting_change") == []
    assert len(await pipe.sql("select 1 from message_version")) == 1


async def test_the_number_of_statements_does_not_grow_with_the_batch(pipe: Pipe) -> None:
    async def statements(batch: int) -> int:
        await pipe.accept(
            *(
                pipe.message("x", f"p{batch}-{nr}", sender=Sender([Claim("custom:main", f"p{batch}-{nr}")]))
                for nr in range(batch)
            )
        )
        async with pipe.db.transaction() as tx:
            arrived = await ingest.claim(tx, 1024, 1000)
            assert len(arrived) == batch
            await flow.run(tx, arrived)
            await ingest.finish(tx, arrived)
            return tx.statements

    assert await statements(1) == await statements(40)


async def test_lists_follow_what_the_last_message_says_now(pipe: Pipe) -> None:
    """Edited or taken back: the line in the inbox shows no words that their writer regretted."""

    async def shown() -> str:
        await pipe.follow()
        return str((await pipe.sql("select preview from inbox_row"))[0]["preview"])

    await pipe.receive(pipe.message("first", nr="1"), pipe.message("my card is 4111", nr="2"))
    assert await shown() == "my card is 4111"
    await pipe.receive(
        MessageEdited(
            account="main", dedupe_key="e1", external_id="1", parts=[Text("other")], occurred_at=NOW
        )
    )
    assert await shown() == "my card is 4111"
    await pipe.receive(
        MessageEdited(
            account="main", dedupe_key="e2", external_id="2", parts=[Text("my card")], occurred_at=NOW
        )
    )
    assert await shown() == "my card"
    await pipe.receive(MessageRecalled(account="main", dedupe_key="r2", external_id="2", occurred_at=NOW))
    assert await shown() == "[recalled]"
