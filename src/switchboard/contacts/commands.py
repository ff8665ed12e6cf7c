"""Resolve who is speaking, keep contacts, merge and un-merge them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.commands import EditContact, MergeContacts
from switchboard.core.errors import NotFound
from switchboard.core.events import (
    Arrived,
    Attributed,
    ContactChanged,
    EchoAttributed,
    Event,
    ReactorKnown,
    Step,
)
from switchboard.core.facts import (
    Claim,
    EchoReceived,
    IdentityChanged,
    MessageReceived,
    ProfileReceived,
    ReachChanged,
    Reacted,
    Sender,
)
from switchboard.core.ids import new_id
from switchboard.core.text import bounded, person, scrub, scrub_deep
from switchboard.db.pool import Tx, columns
from switchboard.db.sql import load

SQL = load(__file__)
Key = tuple[UUID, str, str]
MOST_TOLD = 8000
"""Bytes of JSON."""
SEEN_EVERY = 300
"""Seconds between two notes of a contact's last visit: one row write saved for each message in between."""


class Known(msgspec.Struct):
    """An identity we know and the contact it belongs to."""

    identity_id: UUID
    contact_id: UUID
    verified: bool
    name: str
    language: str
    last_seen_at: datetime | None


class _Wanted(msgspec.Struct, frozen=True):
    """A person or room that some fact speaks of."""

    workspace_id: UUID
    sender: Sender
    kind: str
    at: datetime


async def resolve(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Attribute messages and echoes to contacts, creating who is new.

    Only verified identifiers create or find anybody but the message's own identity; claimed ones are noted. Two verified
    identifiers of one message that belong to two contacts are strong evidence: the contacts are merged.
    """
    wanted: list[_Wanted] = []
    for one in arrived:
        speaker, room = _people(one)
        if speaker is not room:
            wanted.append(_Wanted(one.workspace_id, speaker, "person", one.received_at))
        if room is not None:
            wanted.append(_Wanted(one.workspace_id, room, "room", one.received_at))
    known, events = await _get_or_create(tx, wanted)
    events += await _widen(tx, wanted, known)
    await _touch(tx, wanted, known)
    await _describe(tx, wanted, known)
    into = {one.merged_id: one.kept_id for one in events if isinstance(one, MergeContacts)}
    for one in arrived:
        speaker, room = _people(one)
        author = known[_key(one.workspace_id, speaker.claims[0])]
        owner = author if room is None else known[_key(one.workspace_id, room.claims[0])]
        item = Attributed(
            workspace_id=one.workspace_id,
            arrived=one,
            contact_id=into.get(owner.contact_id, owner.contact_id),
            author_id=into.get(author.contact_id, author.contact_id),
            identity_id=author.identity_id if room is None else owner.identity_id,
            verified=author.verified,
        )
        echo = isinstance(one.fact, EchoReceived)
        events.append(EchoAttributed(workspace_id=one.workspace_id, item=item) if echo else item)
    return events


async def know_reactor(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Attribute reactions to contacts."""
    wanted = [
        _Wanted(one.workspace_id, one.fact.sender, "person", one.received_at)
        for one in arrived
        if isinstance(one.fact, Reacted)
    ]
    known, events = await _get_or_create(tx, wanted)
    for one in arrived:
        assert isinstance(one.fact, Reacted)
        author = known[_key(one.workspace_id, one.fact.sender.claims[0])]
        events.append(ReactorKnown(workspace_id=one.workspace_id, arrived=one, author_id=author.contact_id))
    return events


def _people(one: Arrived) -> tuple[Sender, Sender | None]:
    """Who speaks and in which room. What we said into a room ourselves makes nobody known but the room."""
    fact = one.fact
    assert isinstance(fact, MessageReceived | EchoReceived)
    speaker = fact.sender if isinstance(fact, MessageReceived) else fact.customer
    if not speaker.claims:
        speaker = msgspec.structs.replace(speaker, claims=[Claim("unknown", fact.external_id, False)])
    if fact.slot.startswith(("group:", "post:")):
        name = fact.room_name if isinstance(fact, MessageReceived) else ""
        room = Sender([Claim(f"room:{one.channel_id}", fact.slot)], name=name or fact.slot)
        return speaker if isinstance(fact, MessageReceived) else room, room
    return speaker, None


def _key(workspace: UUID, claim: Claim) -> Key:
    """An unproven identifier lives in a space of its own (`email?`), so that it never meets the proven one."""
    return workspace, claim.space if claim.verified else claim.space + "?", bounded(claim.value)


async def _find(tx: Tx, keys: Iterable[Key]) -> dict[Key, Known]:
    ordered = sorted(set(keys))
    if not ordered:
        return {}
    workspaces, spaces, values = zip(*ordered, strict=True)
    rows = await tx.rows(SQL.find_identities, workspaces=workspaces, spaces=spaces, keys=values)
    return {
        ordered[row["nr"] - 1]: Known(
            row["identity_id"],
            row["contact_id"],
            row["verified"],
            row["name"],
            row["language"],
            row["last_seen_at"],
        )
        for row in rows
    }


async def _get_or_create(tx: Tx, wanted: Sequence[_Wanted]) -> tuple[dict[Key, Known], list[Event | Step]]:
    """Look everybody up; create who is missing; look the created up again, since another may have won the race."""
    keys = {_key(one.workspace_id, claim) for one in wanted for claim in _strong(one.sender)}
    known = await _find(tx, keys)
    missing: dict[Key, _Wanted] = {}
    for one in wanted:
        first = _key(one.workspace_id, one.sender.claims[0])
        if first not in known:
            other = next((known[key] for key in _keys(one) if key in known), None)
            if other is None:
                missing.setdefault(first, one)
    if not missing:
        return known, []
    rows = [
        (key[0], new_id(), new_id(), key[1], key[2], scrub(one.sender.username)[:200], person(one.sender.name),
         one.kind, one.sender.language[:20], one.sender.claims[0].verified, one.at)
        for key, one in sorted(missing.items(), key=lambda item: item[0])
    ]  # fmt: skip
    names = (
        "workspaces",
        "contacts",
        "identities",
        "spaces",
        "keys",
        "labels",
        "names",
        "kinds",
        "languages",
        "verified",
        "at",
    )
    created = await tx.rows(SQL.create_contacts, **columns(names, rows))
    known |= await _find(tx, missing)
    return known, [
        ContactChanged(workspace_id=row["workspace_id"], subject=row["id"], what="created") for row in created
    ]


def _strong(sender: Sender) -> list[Claim]:
    """The message's own identity, whatever its proof, and every further verified one when the own is verified too."""
    first, *others = sender.claims
    return [first, *(claim for claim in others if claim.verified and first.verified)]


def _keys(one: _Wanted) -> list[Key]:
    return [_key(one.workspace_id, claim) for claim in _strong(one.sender)]


async def _widen(tx: Tx, wanted: Sequence[_Wanted], known: dict[Key, Known]) -> list[Event | Step]:
    """Attach further verified identifiers, note claimed ones, ask for a merge where two contacts turn out to be one."""
    identities: dict[Key, tuple[UUID, str, bool]] = {}
    claims: set[tuple[UUID, UUID, str, str]] = set()
    for one in wanted:
        keys = _keys(one)
        keeper = next(known[key] for key in keys if key in known)
        for key, claim in zip(keys, _strong(one.sender), strict=True):
            if key not in known:
                identities.setdefault(key, (keeper.contact_id, one.sender.username, claim.verified))
        for claim in one.sender.claims:
            if not (claim.verified and one.sender.claims[0].verified):
                claims.add((one.workspace_id, keeper.contact_id, claim.space, bounded(claim.value)))
    if identities:
        rows = [
            (key[0], new_id(), who[0], key[1], key[2], who[1], who[2])
            for key, who in sorted(identities.items())
        ]
        names = ("workspaces", "ids", "contacts", "spaces", "keys", "labels", "verified")
        await tx.run(SQL.add_identities, **columns(names, rows))
        known |= await _find(tx, identities)
    if claims:
        told = columns(("workspaces", "contacts", "spaces", "keys"), sorted(claims))
        await tx.run(SQL.add_claims, **told)
    return _merges(wanted, known)


def _merges(wanted: Sequence[_Wanted], known: dict[Key, Known]) -> list[Event | Step]:
    """Merge contacts that share a message's verified identifiers, each group into its oldest contact at once."""
    into: dict[UUID, UUID] = {}

    def root(contact: UUID) -> UUID:
        while contact in into:
            contact = into[contact]
        return contact

    why: dict[UUID, _Wanted] = {}
    for one in wanted:
        found = [known[key] for key in _keys(one) if key in known]
        for contact in {who.contact_id for who in found if who.verified and found[0].verified}:
            kept, merged = sorted((root(found[0].contact_id), root(contact)))
            if kept != merged:
                into[merged] = kept
                why[merged] = one
    return [same_person(one.workspace_id, root(merged), merged, one.at) for merged, one in why.items()]


def same_person(workspace: UUID, kept: UUID, merged: UUID, at: datetime) -> Step:
    """Return the wish to merge two contacts of whom a platform says that they are one."""
    return MergeContacts(workspace_id=workspace, merge_id=new_id(), kept_id=kept, merged_id=merged, at=at,
                         reason="same person by the platform's word")  # type: ignore[return-value]  # carried out like a step, see flow  # fmt: skip


async def _touch(tx: Tx, wanted: Sequence[_Wanted], known: dict[Key, Known]) -> None:
    rows = []
    for one in wanted:
        who = known[_key(one.workspace_id, one.sender.claims[0])]
        stale = who.last_seen_at is None or (one.at - who.last_seen_at).total_seconds() > SEEN_EVERY
        if stale or (not who.name and one.sender.name) or (not who.language and one.sender.language):
            rows.append(
                (
                    one.workspace_id,
                    who.contact_id,
                    person(one.sender.name),
                    one.sender.language[:20],
                    one.at,
                )
            )
    if rows:
        names = ("workspaces", "ids", "names", "languages", "at")
        await tx.run(SQL.touch_contacts, **columns(names, rows))


def told(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a platform tells of somebody as it is kept; nothing where it is more than a contact should carry."""
    kept: dict[str, Any] = {scrub(name)[:100]: scrub_deep(value) for name, value in attributes.items()}
    return kept if len(msgspec.json.encode(kept)) <= MOST_TOLD else {}


async def _describe(tx: Tx, wanted: Sequence[_Wanted], known: dict[Key, Known]) -> None:
    """Note what messages and platforms tell of people beside their names; most tell nothing."""
    found: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for one in wanted:
        if one.sender.profile:
            contact = known[_key(one.workspace_id, one.sender.claims[0])].contact_id
            found.setdefault((one.workspace_id, contact), {}).update(told(one.sender.profile))
    if found:
        rows = [(*key, attributes) for key, attributes in sorted(found.items(), key=lambda item: item[0])]
        await tx.run(SQL.add_attributes, **columns(("workspaces", "ids", "attributes"), rows))


async def get_to_know(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Note what people, or their platforms, tell of them: names, further identifiers, claims."""
    wanted = [
        _Wanted(one.workspace_id, one.fact.sender, "person", one.received_at)
        for one in arrived
        if isinstance(one.fact, ProfileReceived) and one.fact.sender.claims
    ]
    known, events = await _get_or_create(tx, wanted)
    events += await _widen(tx, wanted, known)
    await _touch(tx, wanted, known)
    await _describe(tx, wanted, known)
    for one in wanted:
        contact = known[_key(one.workspace_id, one.sender.claims[0])].contact_id
        events.append(ContactChanged(workspace_id=one.workspace_id, subject=contact, what="identified"))
    return events


async def change_identity(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Follow people whose identifier changed on the platform (rare: one by one).

    The identifier of the same space is renamed, the others are added; one that somebody has already is the platform's
    word that the two are one person.
    """
    events: list[Event | Step] = []
    for one in arrived:
        assert isinstance(one.fact, IdentityChanged)
        previous, current = one.fact.previous, one.fact.current
        for claim in current:
            if claim.space == previous.space and claim.verified:
                await tx.run(SQL.rename_identity, workspace=one.workspace_id, space=claim.space,
                             old_key=bounded(previous.value), new_key=bounded(claim.value))  # fmt: skip
        known = await _find(tx, [_key(one.workspace_id, claim) for claim in (previous, *current)])
        if not known:
            continue
        wanted = [_Wanted(one.workspace_id, Sender([previous, *current]), "person", one.received_at)]
        if _key(one.workspace_id, previous) not in known:
            wanted = [_Wanted(one.workspace_id, Sender(current), "person", one.received_at)]
        events += await _widen(tx, wanted, known)
        contact = next(iter(known.values())).contact_id
        events.append(ContactChanged(workspace_id=one.workspace_id, subject=contact, what="identified"))
    return events


async def change_reach(tx: Tx, arrived: Sequence[Arrived]) -> list[Event | Step]:
    """Note who blocked us, and who came back (rare: one statement each)."""
    events: list[Event | Step] = []
    for one in arrived:
        assert isinstance(one.fact, ReachChanged)
        claim = one.fact.sender.claims[0]
        reason = "" if one.fact.reachable else (one.fact.reason or "unreachable")
        contact = await tx.value(
            SQL.set_reach,
            reason=reason,
            workspace=one.workspace_id,
            space=claim.space,
            key=bounded(claim.value),
        )
        if contact is not None:
            events.append(ContactChanged(workspace_id=one.workspace_id, subject=contact, what="reach"))
    return events


async def edit(tx: Tx, commands: Sequence[EditContact]) -> list[Event | Step]:
    """Change contacts' own fields."""
    events: list[Event | Step] = []
    for one in commands:
        fields: dict[str, Any] = (
            dict.fromkeys(("name", "level", "notes", "language", "tags", "attributes")) | one.changes
        )
        if not await tx.run(SQL.edit_contact, workspace=one.workspace_id, id=one.contact_id, **fields):
            raise NotFound("There is no such contact.")
        events.append(ContactChanged(workspace_id=one.workspace_id, subject=one.contact_id, what="edited"))
    return events
