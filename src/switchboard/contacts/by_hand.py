"""Contacts that somebody types in: what they say of themselves is claimed, not proven."""

import re
from collections.abc import Sequence

from switchboard.contacts.commands import SQL
from switchboard.core.commands import CreateContact
from switchboard.core.errors import Conflict, Invalid
from switchboard.core.events import ContactChanged, Event, Step
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx

SPACES = ("phone", "email")
_PHONE = re.compile(r"\+[1-9][0-9]{5,14}")


def normal(space: str, value: str, field: str = "value") -> str:
    """Return an identifier as it is kept: E.164 for telephones, lower case for addresses; raises Invalid."""
    text = scrub(value).strip()
    if space == "phone":
        digits = re.sub(r"[\s().-]", "", text)
        digits = f"+{digits[2:]}" if digits.startswith("00") else digits
        if not _PHONE.fullmatch(digits):
            raise Invalid("A telephone number starts with + and the country.", field=field)
        return digits
    if space == "email":
        local, at, host = text.casefold().rpartition("@")
        if (
            not (local and at and "." in host.strip("."))
            or any(one.isspace() for one in text)
            or len(text) > 254
        ):
            raise Invalid("This is not an e-mail address.", field=field)
        return f"{local}@{host}"
    raise Invalid(f"An identifier is one of {', '.join(SPACES)}.", field=field.replace("value", "space"))


async def create(tx: Tx, commands: Sequence[CreateContact]) -> list[Event | Step]:
    """Add contacts; raises Conflict when an identifier belongs to somebody already."""
    events: list[Event | Step] = []
    for one in commands:
        workspace, contact = one.workspace_id, one.contact_id
        keys = [
            (space, normal(space, value, f"identities[{nr}].value"))
            for nr, (space, value) in enumerate(one.identities)
        ]
        await tx.run(SQL.create_contact, workspace=workspace, id=contact, name=scrub(one.name)[:200])
        wanted = sorted(set(keys))
        added = await tx.run(
            SQL.add_identities,
            workspaces=[workspace for _ in wanted],
            ids=[new_id() for _ in wanted],
            contacts=[contact for _ in wanted],
            spaces=[f"{space}?" for space, _ in wanted],
            keys=[value for _, value in wanted],
            labels=["" for _ in wanted],
            verified=[False for _ in wanted],
        )
        if added < len(wanted):
            raise Conflict("A contact with this identifier exists already.", code="contact_exists")
        await tx.run(
            SQL.add_claims,
            workspaces=[workspace for _ in wanted],
            contacts=[contact for _ in wanted],
            spaces=[space for space, _ in wanted],
            keys=[value for _, value in wanted],
        )
        events.append(ContactChanged(workspace_id=workspace, subject=contact, what="created"))
    return events
