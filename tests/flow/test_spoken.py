"""What is said inside a platform's request (voice skills): taken once, in order, in doubt until the answer has left."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from switchboard.app.runtime import Live, Runtime
from switchboard.app.spoken import converse, spoken
from switchboard.channels.api import Claim, MessageReceived, Part, RawRequest, Reply, Sender, Text
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import reads as connection_reads
from tests.flow.conftest import NOW, Pipe

REQUEST = RawRequest("POST", "https://example.com/hooks/x", {}, {}, b"{}", NOW)


class Speaker:
    """Says what it is given, one after the other."""

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        assert request is REQUEST
        return Reply(body="|".join(part.text for part in parts if isinstance(part, Text)).encode())


@pytest.fixture
async def live(pipe: Pipe) -> Live:
    """The connection `main` as a speaker that holds its requests for half a second."""
    known = adapters()["custom"]
    facts = msgspec.structs.replace(known.manifest, converse_seconds=0.5)
    async with pipe.db.transaction() as tx:
        row = await connection_reads.by_id(tx, pipe.connections["main"])
    assert row is not None
    return Live(row, Adapter(facts, known.factory, known.folder), Speaker(), dict(pipe.channels))  # type: ignore[arg-type]  # as much of one as is asked


def asked(address: str) -> MessageReceived:
    return MessageReceived(
        account="main",
        dedupe_key="message:1",
        external_id="1",
        sender=Sender([Claim("custom:main", address)]),
        address=address,
        parts=[Text("again?")],
    )


async def statuses(pipe: Pipe) -> list[str]:
    return [row["status"] for row in await pipe.sql("select status from outbound order by nr")]


async def test_an_answer_is_in_doubt_until_it_has_left(pipe: Pipe, runtime: Runtime, live: Live) -> None:
    """Who dies between taking and answering leaves it to a person; it is never said twice by itself."""
    await pipe.receive(pipe.message("where is my parcel", "alice"))
    conversation: UUID = await pipe.only("select id from conversation")
    for words in ("one", "two"):
        await pipe.reply(conversation, words)
    reply, pieces = await converse(runtime, live, Speaker(), REQUEST, [asked("alice")])
    assert reply.body == b"one|two"
    assert await statuses(pipe) == ["in_doubt", "in_doubt"]
    again, none = await converse(runtime, live, Speaker(), REQUEST, [asked("alice")])
    assert (again.body, none) == (b"", [])
    await spoken(runtime, pieces)
    assert await statuses(pipe) == ["sent", "sent"]
    told = await pipe.sql(
        "select data ->> 'status' as status from event where type = 'delivery_changed' order by id"
    )
    assert [row["status"] for row in told][-4:] == ["in_doubt", "in_doubt", "sent", "sent"]


async def test_nobody_hears_what_is_meant_for_another(pipe: Pipe, runtime: Runtime, live: Live) -> None:
    await pipe.receive(pipe.message("hello", "alice"))
    await pipe.reply(await pipe.only("select id from conversation"), "for alice")
    reply, pieces = await converse(runtime, live, Speaker(), REQUEST, [asked("bob")])
    assert (reply.body, pieces) == (b"", [])
    assert await statuses(pipe) == ["queued"]
