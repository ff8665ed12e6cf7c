"""A channel's good and bad days: fallback, alarms, unusual silence, and people and posts looked up once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard.app.health import look
from switchboard.app.housekeeping import Housekeeping
from switchboard.app.lookups import LookUps
from switchboard.app.runtime import Live, Runtime
from switchboard.channels.api import AccountChanged, Claim, InDoubt, Post, Profile, Reauthorise, Retry
from switchboard.channels.registry import Adapter, adapters
from switchboard.connections import alarms
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.core.commands import FallBack
from switchboard.core.facts import Sender
from switchboard.core.ids import new_id
from switchboard.delivery import commands as delivery
from tests.flow.conftest import NOW, Pipe


async def two_ways(pipe: Pipe) -> tuple[UUID, UUID]:
    """Alice has written by `spare` and then by `main`, which falls back to `spare`; return the open case and her last message."""
    await pipe.connect("spare")
    alice = Sender([Claim("custom:spare", "alice2"), Claim("custom:main", "alice")], name="Alice")
    await pipe.receive(
        pipe.message("by spare", account="spare", address="alice2", sender=alice), connection="spare"
    )
    await pipe.sql("update conversation set status = 'resolved', resolved_at = $1", NOW - timedelta(days=30))
    await pipe.receive(pipe.message("by main", address="alice"), at=NOW)
    await pipe.sql(
        "update channel set fallback_channel_id = $1 where id = $2",
        pipe.channels["spare"],
        pipe.channels["main"],
    )
    conversation = await pipe.only("select id from conversation where status <> 'resolved'")
    return conversation, await pipe.reply(conversation, "the answer")


async def sends(pipe: Pipe) -> list[tuple[str, str, str]]:
    rows = await pipe.sql(
        "select h.name, o.address, o.body #>> '{parts,0,text}' as text from outbound o join channel h on h.id = o.channel_id order by o.nr"
    )
    return [(row["name"], row["address"], row["text"]) for row in rows]


def fall_back(pipe: Pipe, message: UUID) -> FallBack:
    return FallBack(workspace_id=pipe.workspace, message_id=message)


async def test_what_is_refused_goes_by_the_fallback_once(pipe: Pipe) -> None:
    """The second wish for the same writes nothing; the timeline tells by which way it went."""
    _, message = await two_ways(pipe)
    for _ in range(2):
        await pipe.run(fall_back(pipe, message))
        await pipe.process()
    assert await sends(pipe) == [("main", "alice", "the answer"), ("spare", "alice2", "the answer")]
    told = await pipe.sql("select parts::text from message where direction = 'note'")
    assert len(told) == 1
    assert msgspec.json.decode(told[0]["parts"])[0]["data"]["to"] == "spare"


@pytest.mark.parametrize(
    "spoil",
    [
        "update identity set verified = false where value = 'alice2'",
        "update identity set unreachable = 'blocked' where value = 'alice2'",
        "update conversation_channel set last_inbound_at = null where address = 'alice2'",
        "update channel set status = 'red' where name = 'spare'",
        "update channel set fallback_channel_id = null",
    ],
)
async def test_without_proof_consent_or_a_working_channel_there_is_no_fallback(
    pipe: Pipe, spoil: str
) -> None:
    """One thing missing is enough."""
    _, message = await two_ways(pipe)
    await pipe.sql(spoil)
    await pipe.run(fall_back(pipe, message))
    await pipe.process()
    assert await sends(pipe) == [("main", "alice", "the answer")]


async def test_a_red_channel_gives_up_only_what_has_a_way_round(pipe: Pipe, runtime: Runtime) -> None:
    """Two minutes queued on a red channel: Alice's goes round, Bob's waits for the reconnect."""
    await two_ways(pipe)
    await pipe.receive(pipe.message("me too", "bob"))
    bobs = await pipe.only("select conversation_id from conversation_channel where address = 'bob'")
    await pipe.reply(bobs, "for bob")
    async with pipe.db.transaction() as tx:
        await connections.set_status(tx, pipe.connections["main"], "red", "token revoked")
    keeper = Housekeeping(runtime)
    await keeper._attempt(keeper._stranded)
    assert len(await sends(pipe)) == 2, "two minutes are not over"
    await pipe.sql("update outbound set created_at = created_at - interval '3 minutes'")
    await keeper._attempt(keeper._stranded)
    await pipe.process()
    assert max(await sends(pipe)) == ("spare", "alice2", "the answer")
    rows = await pipe.sql("select address, status, code from outbound order by nr")
    assert [(row["address"], row["status"], row["code"]) for row in rows] == [
        ("alice", "failed", "channel_red"),
        ("bob", "queued", ""),
        ("alice2", "queued", ""),
    ]


async def test_what_a_sender_has_in_hand_takes_no_way_round(pipe: Pipe, runtime: Runtime) -> None:
    """The channel recovers in the very moment: who claims the message first is the only one to send it."""
    await two_ways(pipe)
    async with pipe.db.transaction() as tx:
        await connections.set_status(tx, pipe.connections["main"], "red", "token revoked")
    await pipe.sql("update outbound set created_at = created_at - interval '3 minutes'")
    keeper = Housekeeping(runtime)
    async with pipe.db.transaction() as sender:
        assert len(await delivery.claim(sender, pipe.connections["main"], new_id(), 10)) == 1
        keeping = asyncio.create_task(keeper._attempt(keeper._stranded))
        await asyncio.sleep(0.3)
    await keeping
    await pipe.process()
    assert await sends(pipe) == [("main", "alice", "the answer")]


async def test_those_without_a_way_round_do_not_hide_those_behind(pipe: Pipe) -> None:
    """A bite that is full goes on behind itself, and begins anew at the end; half a message is none."""
    _, first = await two_ways(pipe)
    async with pipe.db.transaction() as tx:
        await connections.set_status(tx, pipe.connections["main"], "red", "token revoked")
    conversation = await pipe.only("select id from conversation where status <> 'resolved'")
    second = await pipe.reply(conversation, "more")
    await pipe.sql("update outbound set created_at = created_at - interval '3 minutes'")
    late = datetime.now(UTC) - timedelta(minutes=2)
    async with pipe.db.transaction() as tx:
        found, behind = await delivery.stranded(tx, late, 0, 1)
        assert found == [(pipe.workspace, first)]
        assert await delivery.stranded(tx, late, behind, 2) == ([(pipe.workspace, second)], 0)
    await pipe.sql("update outbound set pieces = 2 where message_id = $1", second)
    async with pipe.db.transaction() as tx:
        assert await delivery.stranded(tx, late, behind, 2) == ([], 0)


async def open_alarms(pipe: Pipe) -> list[alarms.Alarm]:
    async with pipe.db.transaction() as tx:
        return await alarms.open_alarms(tx, pipe.workspace)


async def test_an_administrator_is_told_once_until_it_is_over(pipe: Pipe) -> None:
    """Red twice is one alarm; green ends it; put away it stays away until the next time."""

    async def turn(status: str, reason: str = "") -> None:
        async with pipe.db.transaction() as tx:
            await connections.set_status(tx, pipe.connections["main"], status, reason)

    await turn("red", "token revoked")
    await turn("red", "token revoked again")
    (alarm,) = await open_alarms(pipe)
    assert (alarm.code, alarm.detail) == ("red", "token revoked")
    await turn("green")
    assert await open_alarms(pipe) == []
    await turn("red", "secret changed")
    (second,) = await open_alarms(pipe)
    async with pipe.db.transaction() as tx:
        await alarms.put_away(tx, pipe.workspace, [second.id], new_id())
    assert await open_alarms(pipe) == []


async def test_what_comes_and_goes_rings_once(pipe: Pipe) -> None:
    """Only sending finds the missing permission, only the look-out finds the token good: red and green in turns."""

    async def turn(status: str, reason: str = "") -> list[alarms.Alarm]:
        async with pipe.db.transaction() as tx:
            await connections.set_status(tx, pipe.connections["main"], status, reason)
        return await open_alarms(pipe)

    (first,) = await turn("red", "no permission")
    assert await turn("green") == []
    (again,) = await turn("red", "no permission")
    assert again.id == first.id
    async with pipe.db.transaction() as tx:
        await alarms.put_away(tx, pipe.workspace, [first.id], new_id())
    await turn("green")
    assert await turn("red", "no permission") == [], "put away is put away"
    await turn("green")
    await pipe.sql("update alarm set over_at = over_at - interval '2 hours'")
    (later,) = await turn("red", "no permission")
    assert later.id != first.id


async def hear(pipe: Pipe, *hours_ago: float) -> None:
    for ago in hours_ago:
        await pipe.sql(
            "insert into channel_hour values ($1, $2, date_trunc('hour', now() - $3 * interval '1 hour'), 1, 0) on conflict do nothing",
            pipe.workspace, pipe.channels["main"], ago,
        )  # fmt: skip


async def test_silence_is_measured_against_the_channels_own_past(pipe: Pipe) -> None:
    """Heard every four hours for ten days: six and a half hours of silence are news, five are not; a message ends it."""
    await hear(pipe, *range(8, 240, 4))
    await hear(pipe, 5.9)
    async with pipe.db.transaction() as tx:
        assert await alarms.silences(tx) == []
    await pipe.sql("delete from channel_hour where hour > now() - interval '7.9 hours'")
    for expected in (1, 0):
        async with pipe.db.transaction() as tx:
            assert len(await alarms.silences(tx)) == expected, "told once"
    (alarm,) = await open_alarms(pipe)
    assert (alarm.code, alarm.channel, alarm.data["usual"]) == ("silent", "main", 4)
    await pipe.receive(pipe.message("here we are"))
    await pipe.follow()
    assert await open_alarms(pipe) == []
    assert (
        await pipe.only("select sum(inbound)::int from channel_hour where hour > now() - interval '2 hours'")
        == 1
    )


async def test_a_new_channel_is_not_expected_to_speak(pipe: Pipe) -> None:
    """Less than a week, or hardly any traffic, tells nothing."""
    await hear(pipe, *range(30, 120, 2))
    async with pipe.db.transaction() as tx:
        assert await alarms.silences(tx) == []


class Platform:
    """The platform's side of what an adapter is asked here: answers as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.probing: Exception | None = None
        self.news: list[AccountChanged] = []

    async def probe(self) -> list[Any]:
        if self.probing is not None:
            raise self.probing
        return []

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        assert "/hooks/" in webhook_url
        return self.news

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        self.asked.append(f"{account}/{claim.value}")
        return Profile("Alice Lee", "en", claims=[Claim("custom:union", "u1")], data={"followers": 7})

    async def fetch_post(self, account: str, post: str) -> Post:
        self.asked.append(f"{account}/{post}")
        return Post("Our new shoes are here", "https://example.com/p/1")


@pytest.fixture
async def platform(pipe: Pipe, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The connection `main` leads to a platform that knows people and posts."""
    known = adapters()["custom"]
    facts = msgspec.structs.replace(
        known.manifest, does=[*known.manifest.does, "fetch_profile", "fetch_post", "check"]
    )
    adapter = Adapter(facts, known.factory, known.folder)
    monkeypatch.setitem(adapters(), "custom", adapter)
    made = Platform()

    async def by_id(connection: UUID) -> Live:
        async with pipe.db.transaction() as tx:
            row = await connection_reads.by_id(tx, connection)
        assert row is not None
        return Live(row, adapter, made, dict(pipe.channels))  # type: ignore[arg-type]  # as much of one as is asked

    monkeypatch.setattr(runtime.connections, "by_id", by_id)
    return made


async def test_people_and_posts_are_looked_up_once(pipe: Pipe, runtime: Runtime, platform: Platform) -> None:
    """A name a person gave stays; a post's own words become the name of its conversation."""
    await pipe.receive(pipe.message("hello", "alice", sender=Sender([Claim("custom:main", "alice")])))
    await pipe.receive(
        pipe.message("nice!", "p1", sender=Sender([Claim("custom:main", "bob")], name="Bob"), slot="post:p1")
    )
    await pipe.receive(pipe.message("more", "alice", sender=Sender([Claim("custom:main", "alice")])))
    await pipe.follow()
    worker = LookUps(runtime)
    while await worker.step():
        pass
    assert sorted(platform.asked) == ["main/alice", "main/p1"]
    rows = await pipe.sql("select name, language, attributes::text from contact order by name")
    found = {row["name"]: msgspec.json.decode(row["attributes"]) for row in rows}
    assert found["Alice Lee"] == {"followers": 7}
    assert found["Our new shoes are here"]["post"]["url"] == "https://example.com/p/1"
    assert "Bob" in found
    assert await pipe.only("select count(*) from identity where space = 'custom:union'") == 1
    await pipe.sql("update conversation set status = 'resolved', resolved_at = $1", NOW - timedelta(days=30))
    await pipe.receive(pipe.message("again", "alice"))
    await pipe.follow()
    assert not await worker.step()


async def test_a_look_up_without_an_answer_is_made_again(
    pipe: Pipe, runtime: Runtime, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking by POST leaves it open whether the platform has heard; nothing happens there either way."""

    async def unanswered(account: str, claim: Claim) -> Profile:
        raise InDoubt("the platform did not answer")

    await pipe.receive(pipe.message("hello", "alice", sender=Sender([Claim("custom:main", "alice")])))
    await pipe.follow()
    worker = LookUps(runtime)
    with monkeypatch.context() as away:
        away.setattr(platform, "fetch_profile", unanswered)
        assert await worker.step()
    await pipe.sql("update job set due_at = now() where kind = 'look_up'")
    assert await worker.step()
    assert await pipe.only("select name from contact") == "Alice Lee"


@pytest.mark.usefixtures("platform")
async def test_who_is_one_person_by_the_look_up_is_one_contact(pipe: Pipe, runtime: Runtime) -> None:
    """Two ids of one platform with one further id in common (WeChat: two OpenIDs, one UnionID); their cases join too."""
    await pipe.receive(pipe.message("first", "a1", sender=Sender([Claim("custom:main", "a1")])))
    await pipe.receive(pipe.message("second", "a2", sender=Sender([Claim("custom:main", "a2")])))
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 2
    await pipe.follow()
    worker = LookUps(runtime)
    while await worker.step():
        pass
    await pipe.process()
    assert await pipe.only("select count(*) from contact where merged_into is null") == 1
    assert await pipe.only("select count(distinct contact_id) from identity") == 1
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 1


async def test_health_follows_what_the_platform_says(
    pipe: Pipe, runtime: Runtime, platform: Platform
) -> None:
    """Revoked: red and told; away: nothing is proven; a subscription switched off: amber; all well: green, alarms over."""

    async def status() -> tuple[str, list[str]]:
        await look(runtime, pipe.connections["main"])
        return await pipe.only("select status from connection where name = 'main'"), [
            one.code for one in await open_alarms(pipe)
        ]

    platform.probing = Reauthorise("the token was revoked", code="190")
    assert await status() == ("red", ["red"])
    platform.probing = Retry("could not connect")
    assert await status() == ("red", ["red"])
    platform.probing = None
    platform.news = [
        AccountChanged(
            account="main", dedupe_key="x", status="amber", code="unsubscribed", detail="not subscribed"
        )
    ]
    assert await status() == ("amber", ["quality", "red"])
    platform.news = []
    assert await status() == ("green", [])
    async with runtime.db.transaction() as tx:
        await connections.note(
            tx, pipe.workspace, pipe.connections["main"], "warning", "bad_signature", "2 refused"
        )
    assert await status() == ("amber", ["quality"])
    await pipe.sql("update connection set last_event_at = now() where name = 'main'")
    assert await status() == ("green", [])
    assert (
        datetime.now(UTC) - await pipe.only("select checked_at from connection where name = 'main'")
    ).total_seconds() < 60
