"""`flow.py` itself: only forward, every event with an owner, as many statements for a thousand as for one."""

import ast
import inspect
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import switchboard
from switchboard import flow
from switchboard.core import commands, events, facts
from switchboard.core.events import AnyEvent, Event, Step
from switchboard.core.facts import (
    Claim,
    EchoReceived,
    Inbound,
    MessageEdited,
    MessageRecalled,
    Reacted,
    ReceiptReceived,
    Sender,
)
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.delivery import commands as delivery
from switchboard.delivery.commands import Ended
from switchboard.ingest import commands as ingest
from tests.flow.conftest import NOW, Pipe

ROOT = Path(switchboard.__file__).parent
PASSING = {facts.Typed, facts.Nudge, facts.Unreadable}
"""Facts that nothing reacts to: told on at once and not kept, or parked for the administrator at the door."""


def room_of(verb: Any) -> str:
    module: str = inspect.unwrap(verb).__module__
    return module.split(".")[1]


def emitted(room: str) -> set[Any]:
    """The events and steps that a room's code makes."""
    catalogue = {
        name: one
        for name, one in vars(events).items()
        if isinstance(one, type) and issubclass(one, Event | Step)
    }
    found: set[Any] = set()
    for path in (ROOT / room).rglob("*.py"):
        if path.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogue:
                found.add(catalogue[node.func.id])
    return found


def test_reactions_go_forward_only() -> None:
    """In the order of the floor plan: what a verb makes is reacted to at its own place or later."""
    place = {kind: nr for nr, kind in enumerate(flow.REACTIONS)}
    made: dict[str, set[type]] = {}
    for kind, verbs in flow.REACTIONS.items():
        for verb in verbs:
            room = room_of(verb)
            assert room in flow.ROOMS, f"{room} has no place in the floor plan"
            for product in _made_by(verb, made.setdefault(room, emitted(room))):
                if product in place:
                    assert place[product] > place[kind], (
                        f"{kind.__name__} → {verb.__name__} makes {product.__name__}: backward"
                    )


def _made_by(verb: Any, of_room: set[type]) -> set[type]:
    """What a verb's module, at most its room, makes and names in its own source or that of what it calls there."""
    return {one for one in of_room if one.__name__ in _reach(inspect.getmodule(verb), verb.__name__)}


def _reach(module: ModuleType | None, name: str) -> set[str]:
    """Every name that a function of a module mentions, directly or through functions of the same room."""
    seen: set[str] = set()
    names: set[str] = set()
    todo = [(module, name)]
    while todo:
        where, what = todo.pop()
        function = getattr(where, what, None)
        if not inspect.isfunction(function) or f"{function.__module__}.{what}" in seen:
            continue
        seen.add(f"{function.__module__}.{what}")
        home = inspect.getmodule(function)
        mentioned = {
            node.id for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Name)
        }
        names |= mentioned
        todo += [(home, one) for one in mentioned]
    return names


def test_rooms_stand_in_the_order_of_their_reactions() -> None:
    """The first verb that does more than hold something says whose a reaction is."""
    holds = {"guard", "hold"}
    homes = [
        next(room_of(verb) for verb in verbs if verb.__name__ not in holds)
        for verbs in flow.REACTIONS.values()
    ]
    order = [flow.ROOMS.index(home) for home in homes]
    assert order == sorted(order)


def test_every_event_has_an_owner_and_only_the_owner_makes_it() -> None:
    rooms = {
        path.name
        for path in ROOT.iterdir()
        if (path / "__init__.py").exists() and (path / "commands.py").exists()
    } | {"staff", "tenancy"}
    catalogue: set[type[Event]] = set(AnyEvent.__args__)
    assert catalogue == {one for one in Event.__subclasses__() if one.__module__ == "switchboard.core.events"}
    tags = [one.__struct_config__.tag for one in catalogue]
    assert len(tags) == len(set(tags))
    for one in catalogue:
        assert one.room in rooms, f"{one.__name__} belongs to no room"
    owners: dict[type[Event], set[str]] = {one: set() for one in catalogue}
    for room in rooms:
        for one in emitted(room) & catalogue:
            owners[one].add(room)
    shared: dict[type[Event], set[str]] = {events.SettingsChanged: {"staff", "tenancy"}}
    for one, found in owners.items():
        assert found <= shared.get(one, {one.room}), f"{one.__name__} of {one.room} is made by {found}"
        assert found, f"{one.__name__} is made by nobody"


def test_events_hold_no_content() -> None:
    """Ids and small facts only: no parts, no names, no addresses."""
    for one in AnyEvent.__args__:
        names = set(one.__struct_fields__)
        assert not names & {
            "parts",
            "text",
            "name",
            "address",
            "email",
            "phone",
            "preview",
            "body",
            "value",
        }, one.__name__


def test_every_fact_is_reacted_to_or_said_to_pass() -> None:
    inbound: Sequence[type] = Inbound.__args__
    assert {one for one in inbound if one not in flow.REACTIONS} == PASSING


def test_every_command_is_carried_out_by_somebody() -> None:
    known: Sequence[type] = commands.AnyCommand.__args__
    assert [one.__name__ for one in known if one not in flow.REACTIONS] == []


def test_the_spine_stays_one_page() -> None:
    assert len((ROOT / "flow.py").read_text("utf-8").splitlines()) <= 200


async def test_followers_are_verbs_of_read_models_of_the_channels_own_traffic_and_of_questions_to_platforms() -> (
    None
):
    assert {room_of(verb) for verb in flow.FOLLOWERS.values()} <= {
        "workspace",
        "analytics",
        "connections",
        "contacts",
        "delivery",  # phones to be woken: a question to their makers' push services
    }


# -- as many statements for many as for one --------------------------------------------------------------------------


def people(count: int) -> list[str]:
    tag = str(new_id())
    return [f"{tag}-{nr}" for nr in range(count)]


async def statements(pipe: Pipe, *batch: Inbound) -> int:
    """How many statements carrying these facts out takes, claim and all."""
    await pipe.accept(*batch)
    async with pipe.db.transaction() as tx:
        arrived = await ingest.claim(tx, 1024, 10_000)
        assert len(arrived) == len(batch)
        await flow.run(tx, arrived)
        await ingest.finish(tx, arrived)
        return tx.statements


def echo(who: str, external: str, text: str = "x") -> EchoReceived:
    return EchoReceived(account="main", dedupe_key=f"e{external}", external_id=external, customer=Sender([Claim("custom:main", who)]),
                        address=who, parts=[Text(text)])  # fmt: skip


async def sent(pipe: Pipe, count: int) -> list[tuple[str, str]]:
    """So many answers on their way: (person, idempotency key)."""
    names = people(count)
    await pipe.receive(*(pipe.message("x", who) for who in names))
    async with pipe.db.transaction() as tx:
        wanted = [
            commands.WriteMessage(
                workspace_id=pipe.workspace,
                conversation_id=row["id"],
                message_id=new_id(),
                parts=[Text("answer")],
                at=NOW,
            )
            for row in await pipe.sql(
                "select id from conversation c where not exists (select from outbound o where o.conversation_id = c.id)"
            )
        ]
        await flow.run(tx, wanted)
    async with pipe.db.transaction() as tx:
        claimed = await delivery.claim(tx, pipe.connections["main"], new_id(), 10_000)
        before = tx.statements
        await flow.run(tx, await delivery.record(tx, [Ended(one, "sent", f"x{one.id}") for one in claimed]))
        RECORDED[count] = tx.statements - before
    return [(one.address, f"x{one.id}") for one in claimed]


RECORDED: dict[int, int] = {}


@pytest.mark.parametrize(
    "kind",
    [
        "new",
        "known",
        "group",
        "receipt",
        "early receipt",
        "edit",
        "recall",
        "early edit",
        "reaction",
        "echo",
        "own echo",
    ],
)
async def test_a_batch_takes_as_many_statements_as_one(pipe: Pipe, kind: str) -> None:
    found = []
    for count in (1, 30):
        names = people(count)
        match kind:
            case "new" | "group":
                batch: list[Any] = [
                    pipe.message("x", who, slot=f"group:{count}" if kind == "group" else "") for who in names
                ]
            case "known":
                await pipe.receive(*(pipe.message("x", who) for who in names))
                batch = [pipe.message("y", who) for who in names]
            case "receipt":
                batch = [ReceiptReceived(account="main", dedupe_key=f"r{external}", external_id=external, status="read")
                         for _, external in await sent(pipe, count)]  # fmt: skip
            case "early receipt":
                batch = [
                    ReceiptReceived(account="main", dedupe_key=f"r{who}", external_id=who, status="read")
                    for who in names
                ]
            case "own echo":
                batch = [echo(who, external) for who, external in await sent(pipe, count)]
            case "echo":
                batch = [echo(who, who) for who in names]
            case "early edit":
                batch = [
                    MessageEdited(account="main", dedupe_key=f"e{who}", external_id=who, parts=[Text("y")])
                    for who in names
                ]
            case _:
                await pipe.receive(*(pipe.message("x", who, nr=who) for who in names))
                batch = [_change(kind, who) for who in names]
        found.append(await statements(pipe, *batch))
    assert found[0] == found[1], f"{kind}: {found}"
    assert found[1] <= 20


def _change(kind: str, who: str) -> Inbound:
    base: dict[str, Any] = {"account": "main", "dedupe_key": f"{kind}{who}", "external_id": who}
    if kind == "edit":
        return MessageEdited(**base, parts=[Text("y")])
    if kind == "recall":
        return MessageRecalled(**base)
    return Reacted(**base, sender=Sender([Claim("custom:main", who)]), emoji="👍")


async def test_recording_a_batch_of_sends_takes_as_many_statements_as_one(pipe: Pipe) -> None:
    await sent(pipe, 1)
    await sent(pipe, 25)
    assert RECORDED[1] == RECORDED[25]
