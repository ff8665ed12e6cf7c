"""Who is this person: races, several identifiers, what is proven and what is only said."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from switchboard.contacts.commands import SQL as CONTACTS
from switchboard.core.events import ContactsMerged
from switchboard.core.facts import Claim, IdentityChanged, ProfileReceived, ReachChanged, Reacted, Sender
from tests.flow.conftest import NOW, Pipe

BSUID, PHONE = Claim("whatsapp:bsuid:1", "US.1"), Claim("phone", "+6591234567")


def by(*claims: Claim, name: str = "Mei") -> Sender:
    return Sender(list(claims), name=name)


async def contacts(pipe: Pipe) -> list[UUID]:
    return [
        row["id"] for row in await pipe.sql("select id from contact where merged_into is null order by id")
    ]


async def test_many_first_messages_of_one_person_make_one_contact(pipe: Pipe) -> None:
    """By several connections, hence several lanes, at the same moment."""
    for nr in range(6):
        await pipe.connect(f"c{nr}")
        await pipe.accept(pipe.message("hi", sender=by(PHONE), account=f"c{nr}"), connection=f"c{nr}")
    await asyncio.gather(*(pipe.process() for _ in range(6)))
    assert len(await contacts(pipe)) == 1
    assert await pipe.only("select count(*) from conversation") == 1
    assert await pipe.only("select count(*) from event where data->>'what' = 'created'") == 1


async def test_a_further_verified_identifier_widens_the_contact(pipe: Pipe) -> None:
    """A BSUID first, then the same BSUID with its number: later the number alone is known."""
    await pipe.receive(pipe.message("1", sender=by(BSUID)))
    await pipe.receive(pipe.message("2", sender=by(BSUID, PHONE)))
    await pipe.connect("sms")
    await pipe.receive(pipe.message("3", sender=by(PHONE), account="sms"), connection="sms")
    assert len(await contacts(pipe)) == 1
    assert {row["space"] for row in await pipe.sql("select space from identity")} == {
        BSUID.space,
        PHONE.space,
    }
    assert await pipe.only("select count(*) from conversation") == 1


async def test_a_new_own_identity_joins_the_contact_of_its_further_ones(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("1", sender=by(PHONE)))
    await pipe.receive(pipe.message("2", sender=by(BSUID, PHONE)))
    assert len(await contacts(pipe)) == 1


async def test_two_contacts_that_turn_out_to_be_one_are_merged_and_the_message_goes_to_the_case(
    pipe: Pipe,
) -> None:
    """The message that proves it is spoken by the younger contact, which is merged away under it."""
    await pipe.connect("sms")
    await pipe.receive(pipe.message("by sms", sender=by(PHONE), account="sms"), connection="sms")
    await pipe.receive(pipe.message("by app", sender=by(BSUID)))
    assert len(await contacts(pipe)) == 2
    events = await pipe.receive(pipe.message("both", sender=by(BSUID, PHONE)))
    assert [type(one) for one in events].count(ContactsMerged) == 1
    (kept,) = await contacts(pipe)
    rows = await pipe.sql("select id, contact_id, status from conversation")
    assert {row["contact_id"] for row in rows} == {kept}
    assert [row["status"] for row in rows if row["status"] != "resolved"] == ["new"]
    timeline = await pipe.sql(
        "select position, parts->0->>'text' as text, author_id from message m join conversation c on c.id = m.conversation_id "
        "where c.status = 'new' order by position"
    )
    assert [tuple(row)[:2] for row in timeline] == [(1, "by sms"), (2, "by app"), (3, "both")]
    assert timeline[2]["author_id"] == kept


async def test_three_contacts_proven_to_be_one_at_once_become_one(pipe: Pipe) -> None:
    telegram = Claim("telegram", "7")
    for nr, claim in enumerate((BSUID, PHONE, telegram)):
        await pipe.receive(pipe.message(str(nr), sender=by(claim)))
    await pipe.receive(
        pipe.message("all", sender=by(telegram, BSUID, PHONE)),
        pipe.message("again", sender=by(BSUID, telegram)),
    )
    (kept,) = await contacts(pipe)
    assert {row["contact_id"] for row in await pipe.sql("select contact_id from identity")} == {kept}
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 1
    assert await pipe.only("select last_position from conversation where status <> 'resolved'") == 5


async def test_two_halves_of_a_person_that_arrive_at_the_same_moment_become_one(pipe: Pipe) -> None:
    """One batch creates the number's contact while another creates the BSUID's and adds the number to it."""
    await pipe.connect("sms")
    for nr in range(5):
        app, number = Claim(BSUID.space, f"b{nr}"), Claim("phone", f"+65{nr}")
        await asyncio.gather(
            pipe.receive(pipe.message("a", sender=by(app, number))),
            pipe.receive(pipe.message("b", sender=by(number), account="sms"), connection="sms"),
        )
        assert len(await contacts(pipe)) == nr + 1
        assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == nr + 1


async def test_a_claimed_identity_never_meets_the_proven_one(pipe: Pipe) -> None:
    """The same address, once proven by the platform and once only written in a From line."""
    await pipe.receive(pipe.message("proven", sender=by(Claim("email", "ann@example.com"))))
    await pipe.receive(pipe.message("claimed", sender=by(Claim("email", "ann@example.com", False))))
    assert len(await contacts(pipe)) == 2
    assert await pipe.only("select count(*) from conversation") == 2
    assert {(row["space"], row["verified"]) for row in await pipe.sql("select space, verified from identity")} == {
        ("email", True), ("email?", False),
    }  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_claims_suggest_and_never_merge(pipe: Pipe, order: tuple[int, int]) -> None:
    """A visitor types an address in a form; the mail's owner is somebody else as far as we know."""
    senders = (
        by(Claim("web", "v1"), Claim("email", "ann@example.com", False)),
        by(Claim("email", "ann@example.com")),
    )
    for nr in order:
        await pipe.receive(pipe.message("x", sender=senders[nr]))
    both = await contacts(pipe)
    assert len(both) == 2
    for one, other in (both, reversed(both)):
        assert await _suggested(pipe, one) == [other]


async def test_two_people_who_claim_the_same_are_suggested_to_each_other(pipe: Pipe) -> None:
    claim = Claim("email", "ann@example.com", False)
    await pipe.receive(
        pipe.message("x", sender=by(Claim("web", "v1"), claim)),
        pipe.message("y", sender=by(Claim("web", "v2"), claim)),
    )
    one, other = await contacts(pipe)
    assert await _suggested(pipe, one) == [other]


async def _suggested(pipe: Pipe, contact: UUID) -> list[UUID]:
    async with pipe.db.transaction() as tx:
        rows = await tx.rows(CONTACTS.suggestions, workspace=pipe.workspace, id=contact)
    return [row["contact_id"] for row in rows]


async def test_proven_identifiers_of_an_unproven_speaker_prove_nothing(pipe: Pipe) -> None:
    """Whoever writes in somebody's name does not get into their case by naming their number."""
    await pipe.receive(pipe.message("mine", sender=by(PHONE)))
    await pipe.receive(pipe.message("not mine", sender=by(Claim("email", "eve@example.com", False), PHONE)))
    assert len(await contacts(pipe)) == 2
    assert await pipe.only("select count(*) from conversation") == 2
    assert await pipe.only("select count(*) from merge") == 0


async def test_the_default_reply_channel_is_a_verified_one(pipe: Pipe) -> None:
    """The mail that came last has an unproven sender; answers still go by the channel that is proven."""
    mail, app = await pipe.connect("mail"), pipe.channels["main"]
    await pipe.receive(pipe.message("app", sender=by(BSUID)))
    conversation = await pipe.case()
    await pipe.sql("insert into conversation_channel (workspace_id, conversation_id, channel_id, address, verified, last_inbound_at) "
                   "values ($1, $2, $3, 'eve@example.com', false, now() + interval '1 day')", pipe.workspace, conversation, mail)  # fmt: skip
    message = await pipe.reply(conversation)
    assert await pipe.only("select channel_id from message where id = $1", message) == app


async def test_a_number_that_changed_is_followed(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("old", sender=by(PHONE)))
    new = Claim("phone", "+6500000001")
    change = IdentityChanged(account="main", dedupe_key="i", previous=PHONE, current=[new, BSUID])
    await pipe.receive(change)
    await pipe.receive(pipe.message("new", sender=by(new)), pipe.message("id", sender=by(BSUID)))
    assert len(await contacts(pipe)) == 1
    assert {row["value"] for row in await pipe.sql("select value from identity")} == {new.value, BSUID.value}


async def test_a_number_that_changed_to_one_we_know_merges_the_two(pipe: Pipe) -> None:
    new = Claim("phone", "+6500000001")
    await pipe.receive(pipe.message("old", sender=by(PHONE)), pipe.message("new", sender=by(new)))
    await pipe.receive(IdentityChanged(account="main", dedupe_key="i", previous=PHONE, current=[new]))
    assert len(await contacts(pipe)) == 1
    assert await pipe.only("select count(*) from conversation where status <> 'resolved'") == 1


async def test_an_identity_change_of_somebody_unknown_changes_nothing(pipe: Pipe) -> None:
    await pipe.receive(IdentityChanged(account="main", dedupe_key="i", previous=PHONE, current=[BSUID]))
    assert await contacts(pipe) == []
    assert await pipe.sql("select 1 from fact") == []


async def test_a_profile_names_who_had_no_name_and_notes_what_is_claimed(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("x", sender=Sender([BSUID])))
    told = Sender([BSUID, Claim("email", "mei@example.com", False)], name="Mei", language="zh")
    await pipe.receive(ProfileReceived(account="main", dedupe_key="p", sender=told))
    await pipe.receive(ProfileReceived(account="main", dedupe_key="q", sender=Sender([BSUID], name="Other")))
    ((name, language),) = await pipe.sql("select name, language from contact")
    assert (name, language) == ("Mei", "zh")
    assert await pipe.only("select value from claim") == "mei@example.com"


async def test_who_blocked_us_is_unreachable_until_they_come_back(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("x", sender=by(BSUID)))
    for nr, (reachable, expected) in enumerate([(False, "blocked"), (True, "")]):
        fact = ReachChanged(
            account="main",
            dedupe_key=f"r{nr}",
            sender=by(BSUID),
            reachable=reachable,
            reason="blocked",
            occurred_at=NOW,
        )
        await pipe.receive(fact)
        assert await pipe.only("select unreachable from identity") == expected


async def test_a_reaction_of_somebody_new_makes_them_known_and_opens_nothing(pipe: Pipe) -> None:
    await pipe.receive(Reacted(account="main", dedupe_key="r", external_id="9", sender=by(BSUID), emoji="👍"))
    assert len(await contacts(pipe)) == 1
    assert await pipe.sql("select 1 from conversation") == []


async def test_a_message_without_a_sender_is_kept_under_its_own_id(pipe: Pipe) -> None:
    await pipe.receive(pipe.message("who?", nr="m1", sender=Sender([])))
    assert [text for *_, text in await pipe.texts()] == ["who?"]


async def test_what_is_told_of_somebody_is_kept_beside_their_name(pipe: Pipe) -> None:
    """By their own messages and by the platform; the newest word counts, and nobody fills a contact to the brim."""
    tom = [Claim("custom:main", "tom")]

    async def say(profile: dict[str, Any]) -> None:
        await pipe.receive(pipe.message("hello", "tom", sender=Sender(tom, profile=profile)))

    await say({"country": "DE", "city": "Berlin"})
    entered = Sender(tom, profile={"entry": {"scene": "live"}, "city": "Bonn"})
    await pipe.receive(ProfileReceived(account="main", dedupe_key="p1", sender=entered))
    await say({"story": "x" * 9000})
    kept = msgspec.json.decode(await pipe.only("select attributes::text from contact"))
    assert kept == {"country": "DE", "city": "Bonn", "entry": {"scene": "live"}}
