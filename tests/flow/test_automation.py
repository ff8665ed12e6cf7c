"""The automatic answer: once per opened conversation, never to a machine, never again and again."""

from datetime import timedelta
from typing import Any

from switchboard.core.commands import Actor, ChangeStatus
from switchboard.core.facts import MessageReceived
from tests.flow.conftest import NOW, Pipe

ANSWER = "Thanks, we have your message."


async def answers(pipe: Pipe) -> list[str]:
    rows = await pipe.sql(
        "select parts->0->>'text' as text from message where author_kind = 'bot' order by id"
    )
    return [row["text"] for row in rows]


async def receive(pipe: Pipe, *facts: MessageReceived) -> None:
    await pipe.sql("update channel set auto_reply = $1", ANSWER)
    await pipe.receive(*facts)


async def test_who_opens_a_conversation_is_answered_and_still_waits(pipe: Pipe) -> None:
    await receive(pipe, pipe.message("hello"))
    assert await answers(pipe) == [ANSWER]
    ((status, waiting, work),) = await pipe.sql(
        "select c.status, c.waiting_since, w.state from conversation c join work w on w.conversation_id = c.id"
    )
    assert (status, waiting, work) == ("new", NOW, "queued")
    ((address, body),) = await pipe.sql("select address, body->>'author' from outbound")
    assert (address, body) == ("alice", "bot")


async def test_a_second_message_is_not_answered_again(pipe: Pipe) -> None:
    await receive(pipe, pipe.message("hello"))
    await pipe.receive(pipe.message("anybody?"))
    assert await answers(pipe) == [ANSWER]


async def test_a_machine_is_never_answered(pipe: Pipe) -> None:
    await receive(pipe, pipe.message("I am out of office", auto=True))
    assert await answers(pipe) == []


async def test_history_is_never_answered(pipe: Pipe) -> None:
    await receive(pipe, pipe.message("last week", backfill=True, occurred_at=NOW - timedelta(days=7)))
    assert await answers(pipe) == []


async def test_one_person_gets_few_automatic_answers(pipe: Pipe) -> None:
    """Case after case, each long over when the next begins: two answers within an hour, then silence."""
    for nr in range(4):
        await receive(pipe, pipe.message(f"case {nr}"))
        (row, *_) = await pipe.sql("select id from conversation where status <> 'resolved'")
        await pipe.run(
            ChangeStatus(
                workspace_id=pipe.workspace,
                conversation_id=row["id"],
                status="resolved",
                at=NOW,
                by=Actor("system"),
            )
        )
        await pipe.sql(
            "update conversation set resolved_at = $1 where id = $2", NOW - timedelta(days=9), row["id"]
        )
    assert len(await pipe.sql("select 1 from conversation")) == 4
    assert len(await answers(pipe)) == 2


async def test_a_channel_without_an_answer_is_silent(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("hello"))
    assert await answers(pipe) == []


async def test_what_a_machine_says_opens_no_case_again(pipe: Pipe) -> None:
    """An API key, or an automatic answer that comes late: the message goes out, nobody gets work by it."""
    await pipe.receive(pipe.message("hello"))
    case = await pipe.case()
    where: dict[str, Any] = {"workspace_id": pipe.workspace, "conversation_id": case, "at": NOW}
    await pipe.run(ChangeStatus(**where, status="resolved"))
    await pipe.reply(case, "Your parcel has left.", by=Actor("bot"))
    assert await pipe.only("select status from conversation") == "resolved"
    assert await pipe.only("select state from work") == "done"
    assert await pipe.only("select count(*) from outbound") == 1
