"""What goes backward is filed as a command in the conversation's lane, with its cause; a chain too long is parked."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard import flow
from switchboard.app.lanes import Lanes
from switchboard.app.runtime import Runtime
from switchboard.core.commands import Actor, AnyCommand, Assign, Command, EditConversation, WriteMessage
from switchboard.core.events import Event, Filed, MessageFiled
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.db.pool import Tx
from switchboard.ingest import commands as ingest
from switchboard.routing import commands as routing
from tests.flow.conftest import NOW, Pipe


def reply_to(event: MessageFiled, text: str) -> Filed:
    """As a rule would: answer in the conversation that something was said in."""
    command = WriteMessage(workspace_id=event.workspace_id, conversation_id=event.subject, message_id=new_id(), parts=[Text(text)], at=NOW,
                           by=Actor("bot"))  # fmt: skip
    return Filed(
        workspace_id=event.workspace_id, lane_key=str(event.subject), body=command, cause_id=event.message_id
    )


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that answers every message of a customer once."""

    async def answer(tx: Tx, filed: Sequence[MessageFiled]) -> list[Any]:
        return [reply_to(one, "we are closed") for one in filed if one.direction == "in"]

    monkeypatch.setitem(flow.REACTIONS, MessageFiled, (routing.adopt, answer))


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules that answer each other for ever."""

    async def answer(tx: Tx, filed: Sequence[MessageFiled]) -> list[Any]:
        return [reply_to(one, "and again") for one in filed]

    monkeypatch.setitem(flow.REACTIONS, MessageFiled, (routing.adopt, answer))


async def work(runtime: Runtime) -> None:
    lanes = Lanes(runtime)
    while await lanes.step():
        pass


@pytest.mark.usefixtures("answering")
async def test_a_filed_command_is_carried_out_with_all_that_follows(pipe: Pipe, runtime: Runtime) -> None:
    await pipe.accept(pipe.message("hello"))
    await Lanes(runtime).step()
    ((cause, depth, tag, channel),) = await pipe.sql(
        "select cause_id, depth, body->>'command', channel_id from fact"
    )
    assert (cause, depth, tag, channel) == (
        await pipe.only("select id from message"),
        1,
        "write_message",
        None,
    )
    await work(runtime)
    assert [(direction, text) for _, _, direction, text in await pipe.texts()] == [
        ("in", "hello"),
        ("out", "we are closed"),
    ]
    assert await pipe.only("select count(*) from outbound") == 1
    assert await pipe.sql("select 1 from fact") == []


@pytest.mark.usefixtures("endless")
async def test_a_chain_longer_than_eight_is_parked_and_blocks_nobody(pipe: Pipe, runtime: Runtime) -> None:
    await pipe.accept(pipe.message("hello"))
    await work(runtime)
    assert len(await pipe.texts()) == 1 + ingest.MAX_DEPTH
    ((depth, error),) = await pipe.sql("select depth, error from fact where parked_at is not null")
    assert (depth, error) == (ingest.MAX_DEPTH + 1, "chain of causes is too long")


@pytest.mark.usefixtures("endless")
async def test_a_deep_chain_does_not_shorten_its_neighbours(pipe: Pipe, runtime: Runtime) -> None:
    """Facts and commands of different depths in one batch: each chain is as long as if it were alone."""
    await pipe.accept(pipe.message("a", "ann"))
    for nr in range(4):
        await Lanes(runtime).step()
        await pipe.accept(pipe.message("b", f"b{nr}"))
    await work(runtime)
    rows = await pipe.sql("select count(*) as n from message group by conversation_id")
    assert [row["n"] for row in rows] == [1 + ingest.MAX_DEPTH] * 5


async def test_a_command_that_is_refused_is_parked_with_its_reason_and_can_be_replayed(
    pipe: Pipe, runtime: Runtime
) -> None:
    await pipe.receive(pipe.message("hello"))
    conversation, agent = await pipe.case(), new_id()
    command = Assign(workspace_id=pipe.workspace, conversation_id=conversation, agent_id=agent, at=NOW)
    filed = Filed(workspace_id=pipe.workspace, lane_key=str(conversation), body=command)
    async with pipe.db.transaction() as tx:
        await ingest.file_back(tx, [filed], 1)
    await pipe.accept(pipe.message("next"))
    await work(runtime)
    assert len(await pipe.texts()) == 2
    ((fact, error),) = await pipe.sql("select id, error from fact where parked_at is not null")
    assert "no such agent" in error
    async with pipe.db.transaction() as tx:
        (letter,) = await tx.rows(
            ingest.SQL.dead_letters, workspace=pipe.workspace, before=UUID(int=(1 << 128) - 1), limit=9
        )
        assert letter["fact"] == "assign"
        await ingest.replay(tx, pipe.workspace, fact, None)
    await pipe.sql(
        "insert into account (id, email, password_hash) values ($1, 'late@example.com', '')", agent
    )
    await pipe.sql(
        "insert into agent (workspace_id, id, account_id, name, role) values ($1, $2, $2, 'Late', 'agent')",
        pipe.workspace,
        agent,
    )
    await work(runtime)
    assert await pipe.only("select assignee_id from work") == agent
    assert await pipe.sql("select 1 from fact") == []


async def test_a_command_crosses_the_table_unchanged(pipe: Pipe, runtime: Runtime) -> None:
    """Every kind of command there is can be filed and is claimed as what it was."""
    await pipe.receive(pipe.message("hello"))
    command = EditConversation(
        workspace_id=pipe.workspace,
        conversation_id=await pipe.case(),
        tags=["vip"],
        by=Actor("rule", new_id()),
    )
    async with pipe.db.transaction() as tx:
        await ingest.file_back(
            tx, [Filed(workspace_id=pipe.workspace, lane_key="x", body=command, cause_id=new_id())], 3
        )
    async with pipe.db.transaction() as tx:
        (due,) = await ingest.claim(tx, 1024, 10)
    assert (due.command, due.depth) == (command, 3)  # type: ignore[union-attr]  # a command
    await work(runtime)
    assert await pipe.only("select tags from conversation") == ["vip"]


async def test_commands_filed_back_are_one_statement(pipe: Pipe) -> None:
    async with pipe.db.transaction() as tx:
        for count in (1, 50):
            before = tx.statements
            body = EditConversation(workspace_id=pipe.workspace, conversation_id=new_id())
            await ingest.file_back(
                tx,
                [Filed(workspace_id=pipe.workspace, lane_key=str(nr), body=body) for nr in range(count)],
                1,
            )
            assert tx.statements - before == 1


def test_every_command_can_be_filed() -> None:
    known: set[type[Command]] = set(AnyCommand.__args__)
    assert known == set(_leaves(Command)), "AnyCommand lists every command"
    tags = [one.__struct_config__.tag for one in known]
    assert len(tags) == len(set(tags))
    msgspec.json.Decoder(AnyCommand)


def _leaves(base: type[Command]) -> list[type[Command]]:
    return [
        one
        for one in base.__subclasses__()
        if not one.__subclasses__() and one.__module__.startswith("switchboard.")
    ]


def test_events_never_travel_backward_by_themselves() -> None:
    assert Filed not in flow.REACTIONS
    assert not issubclass(Filed, Event)
