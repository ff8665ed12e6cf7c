"""What was said changes: edits, recalls, reactions, media; early, late and in any order."""

import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

from switchboard import flow
from switchboard.conversations import changes
from switchboard.core.commands import (
    ChangeStatus,
    StoreMedia,
)
from switchboard.core.facts import Claim, Inbound, MessageEdited, MessageRecalled, Reacted, Sender
from switchboard.core.ids import new_id
from switchboard.core.parts import Image, Part, Source, Text
from switchboard.ingest import commands as ingest
from tests.flow.conftest import NOW, Pipe, timedelta

LATER = NOW + timedelta(minutes=5)


def edit(external: str, text: str, at: datetime | None = NOW, key: str = "", **more: Any) -> MessageEdited:
    return MessageEdited(
        account="main",
        dedupe_key=f"e{new_id()}",
        external_id=external,
        parts=[Text(text)],
        occurred_at=at,
        key=key,
        **more,
    )


def recall(external: str, at: datetime | None = NOW) -> MessageRecalled:
    return MessageRecalled(account="main", dedupe_key=f"r{new_id()}", external_id=external, occurred_at=at)


def reaction(external: str, emoji: str, at: datetime | None = NOW, person: str = "alice") -> Reacted:
    return Reacted(account="main", dedupe_key=f"x{new_id()}", external_id=external, sender=Sender([Claim("custom:main", person)]), emoji=emoji,
                   occurred_at=at)  # fmt: skip


async def status(pipe: Pipe, conversation: UUID, to: str, **more: Any) -> None:
    await pipe.run(
        ChangeStatus(workspace_id=pipe.workspace, conversation_id=conversation, status=to, at=NOW, **more)
    )


async def test_message_edits_and_recall_in_any_order_end_the_same(pipe: Pipe) -> None:
    """The message, two edits and a recall, each in its own batch."""
    for nr, order in enumerate(itertools.permutations(range(4))):
        key = f"m{nr}"
        facts: list[Inbound] = [pipe.message("v1", f"p{nr}", nr=key), edit(key, "v2", NOW + timedelta(seconds=1)),
                 edit(key, "v3", NOW + timedelta(seconds=2)), recall(key, NOW + timedelta(seconds=3))]  # fmt: skip
        for place in order:
            await pipe.receive(facts[place], at=LATER)
        ((recalled, text),) = await pipe.sql(
            "select recalled_at is not null, parts->0->>'text' from message where external_id = $1", key
        )
        assert recalled, order
        if order.index(3) > order.index(2) or order[-1] == 0:
            assert text == "v3", order
        assert await pipe.sql("select 1 from waiting_change") == []
        assert len(await pipe.texts()) == nr + 1


async def _sweep(pipe: Pipe) -> None:
    async with pipe.db.transaction() as tx:
        await flow.run(tx, await changes.sweep(tx))


async def test_the_later_edit_wins_whatever_comes_first_and_all_versions_are_kept(pipe: Pipe) -> None:
    """Platforms tell whole seconds: two edits of one second are two versions."""
    await pipe.receive(pipe.message("v1", nr="7"))
    await pipe.receive(edit("7", "v2"), edit("7", "v3"), at=LATER)
    await pipe.receive(edit("7", "v4", NOW + timedelta(seconds=9)), at=LATER)
    await pipe.receive(edit("7", "too late", NOW - timedelta(seconds=9)), at=LATER)
    assert [text for *_, text in await pipe.texts()] == ["v4"]
    rows = await pipe.sql("select parts->0->>'text' as text from message_version order by at")
    assert [row["text"] for row in rows] == ["v1", "v2", "v3"]


async def test_an_edit_written_at_the_same_moment_as_its_message_is_found_by_the_sweep(pipe: Pipe) -> None:
    """Different lanes, neither sees the other; its picture is fetched as if it had come in order."""
    picture = MessageEdited(
        account="main",
        dedupe_key="e",
        external_id="7",
        parts=[Image(source=Source(ref="p"))],
        occurred_at=NOW,
    )
    await pipe.accept(pipe.message("typo", nr="7"))
    await pipe.accept(picture)
    async with pipe.db.transaction() as one, pipe.db.transaction() as other:
        from_message, from_edit = await _claim_apart(one)
        await flow.run(one, from_message)
        await flow.run(other, from_edit)
    await pipe.sql("delete from fact")
    assert await pipe.only("select count(*) from waiting_change") == 1
    await _sweep(pipe)
    assert await pipe.only("select parts->0->>'type' from message") == "image"
    assert await pipe.only("select count(*) from job where kind = 'fetch_media'") == 1


async def _claim_apart(one: Any) -> tuple[list[Any], list[Any]]:
    both: list[Any] = [*await ingest.claim(one, 1024, 10)]
    return [item for item in both if item.fact.dedupe_key != "e"], [
        item for item in both if item.fact.dedupe_key == "e"
    ]


async def test_changes_whose_message_never_comes_are_parked_after_a_day(pipe: Pipe) -> None:
    await pipe.receive(edit("never", "x"))
    async with pipe.db.transaction() as tx:
        await changes.park(tx, NOW + timedelta(hours=1))
    assert await pipe.only("select parked_at is not null from waiting_change")


async def test_an_edit_does_not_reach_another_channels_message_of_the_same_id(pipe: Pipe) -> None:
    await pipe.connect("other")
    await pipe.receive(pipe.message("mine", nr="7"))
    await pipe.receive(pipe.message("theirs", nr="7", account="other"), connection="other")
    await pipe.receive(edit("7", "changed"))
    assert sorted(text for *_, text in await pipe.texts()) == ["changed", "theirs"]


async def test_reactions_come_go_and_wait_for_their_message(pipe: Pipe) -> None:
    await pipe.receive(reaction("7", "👍"))
    events = await pipe.receive(pipe.message("x", nr="7"))
    assert events
    await pipe.receive(
        reaction("7", "❤", NOW + timedelta(seconds=1)),
        reaction("7", "", NOW + timedelta(seconds=1)),
        at=LATER,
    )
    assert await pipe.only("select emoji from reaction") == "", "of one second, the last said counts"
    await pipe.receive(reaction("7", "old", NOW - timedelta(days=1)), at=LATER)
    assert await pipe.only("select emoji from reaction") == ""
    await pipe.receive(reaction("7", "🎉", person="bob"))
    assert await pipe.only("select count(*) from reaction") == 2


# -- media -----------------------------------------------------------------------------------------------------------


async def test_media_is_asked_for_once_and_put_into_the_message(pipe: Pipe) -> None:
    source = Source(ref="m1")
    await pipe.receive(pipe.message("", nr="7", parts=[Image(source=source, caption="look"), Text("see")]))
    assert await pipe.only("select count(*) from job where kind = 'fetch_media'") == 1
    assert await pipe.only("select parts->0->>'state' from message") == "fetching"
    message, file = await pipe.only("select id from message"), new_id()
    await pipe.receive(MessageEdited(account="main", dedupe_key="e", external_id="7", occurred_at=NOW,
                                     parts=[Image(source=source, caption="look here"), Text("corrected")]))  # fmt: skip
    fetched: list[Part] = [
        Image(source=source, caption="look", file_id=file, size=9, mime="image/png"),
        Text("see"),
    ]
    await pipe.run(StoreMedia(workspace_id=pipe.workspace, message_id=message, parts=fetched))
    ((stored, state, caption, text),) = await pipe.sql(
        "select parts->0->>'file_id', parts->0->>'state', parts->0->>'caption', parts->1->>'text' from message"
    )
    assert (stored, state, caption, text) == (str(file), None, "look here", "corrected"), (
        "what was said meanwhile stays said"
    )
