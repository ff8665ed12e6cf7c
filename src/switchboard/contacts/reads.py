"""Contacts as screens show them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.contacts.commands import SQL
from switchboard.db.pool import Tx

Links = Callable[[UUID, UUID, str], str]
"""Makes the signed link of a file: (workspace, file id, name) → address."""
LAST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=(1 << 128) - 1))


class Identity(msgspec.Struct, frozen=True):
    """One identifier of a contact; `verified` when a platform vouches for it."""

    id: UUID
    space: str
    value: str
    label: str
    verified: bool


class Said(msgspec.Struct, frozen=True):
    """An identifier that somebody gave without proof."""

    space: str
    value: str


class Contact(msgspec.Struct, frozen=True):
    """A person, with everything that is known of them."""

    id: UUID
    name: str
    avatar_url: str | None
    level: str
    notes: str
    language: str
    tags: list[str]
    attributes: dict[str, Any]
    identities: list[Identity]
    claims: list[Said]
    created_at: datetime
    last_seen_at: datetime | None


class Suggestion(msgspec.Struct, frozen=True):
    """Somebody who may be the same person, because of an identifier that both have."""

    contact: Contact
    because: Said


async def by_ids(tx: Tx, workspace: UUID, ids: Sequence[UUID], links: Links) -> list[Contact]:
    """Return contacts in the order of their ids as given; unknown ones are left out."""
    rows = {row["id"]: row for row in await tx.rows(SQL.contacts_by_id, workspace=workspace, ids=list(ids))}
    return await _filled(tx, workspace, [rows[one] for one in ids if one in rows], links)


async def one(tx: Tx, workspace: UUID, contact_id: UUID, links: Links) -> Contact | None:
    """Find a contact; one that was merged is found as the contact it became."""
    row = await tx.row(SQL.contact, workspace=workspace, id=contact_id)
    for _ in range(10):
        if row is None or row["merged_into"] is None:
            break
        row = await tx.row(SQL.contact, workspace=workspace, id=row["merged_into"])
    return (await _filled(tx, workspace, [row], links))[0] if row is not None else None


async def page(
    tx: Tx, workspace: UUID, links: Links, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Contact], tuple[datetime, UUID] | None]:
    """Return a page of people, the last seen first, and where the next one begins."""
    at, last = before or LAST
    rows = await tx.rows(
        SQL.list_contacts, workspace=workspace, before_at=at, before_id=last, limit=limit + 1
    )
    following = None
    if len(rows) > limit:
        end = rows[limit - 1]
        following = (end["last_seen_at"] or end["created_at"], end["id"])
    return await _filled(tx, workspace, rows[:limit], links), following


async def suggestions(tx: Tx, workspace: UUID, contact_id: UUID, links: Links) -> list[Suggestion]:
    """Return who else a contact may be."""
    rows = await tx.rows(SQL.suggestions, workspace=workspace, id=contact_id)
    because = {row["contact_id"]: Said(row["space"], row["value"]) for row in rows}
    found = await by_ids(tx, workspace, list(because), links)
    return [Suggestion(contact, because[contact.id]) for contact in found]


async def holder(tx: Tx, workspace: UUID, space: str, value: str) -> tuple[UUID, UUID] | None:
    """Return (contact, identity) of an identifier, the proven one before the claimed one."""
    for kind in (space, f"{space}?"):
        row = await tx.row(SQL.identity_of_address, workspace=workspace, space=kind, key=value)
        if row is not None:
            return row["contact_id"], row["id"]
    return None


async def _filled(tx: Tx, workspace: UUID, rows: Sequence[Any], links: Links) -> list[Contact]:
    """Add identities and claims: two statements, however many contacts."""
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    identities: dict[UUID, list[Identity]] = {}
    for row in await tx.rows(SQL.identities_of, workspace=workspace, ids=ids):
        identity = Identity(
            row["id"], row["space"].removesuffix("?"), row["value"], row["label"], row["verified"]
        )
        identities.setdefault(row["contact_id"], []).append(identity)
    claims: dict[UUID, list[Said]] = {}
    for row in await tx.rows(SQL.claims_of_many, workspace=workspace, ids=ids):
        claims.setdefault(row["contact_id"], []).append(Said(row["space"], row["value"]))
    return [
        Contact(
            row["id"],
            row["name"],
            links(workspace, row["avatar_file"], "avatar") if row["avatar_file"] else None,
            row["level"],
            row["notes"],
            row["language"],
            list(row["tags"]),
            msgspec.json.decode(row["attributes"]),
            identities.get(row["id"], []),
            claims.get(row["id"], []),
            row["created_at"],
            row["last_seen_at"],
        )
        for row in rows
    ]
