"""API keys: made, ended."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from switchboard.core.errors import Invalid, NotFound
from switchboard.core.events import Event, SettingsChanged
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx
from switchboard.staff import tokens
from switchboard.staff.audit import SQL
from switchboard.staff.permission import SCOPES


class KeyMade(msgspec.Struct, frozen=True):
    """A key just made; the token is told once."""

    id: UUID
    token: str
    scopes: list[str]
    created_at: datetime


async def create(
    tx: Tx, workspace: UUID, by: UUID, name: str, scopes: Sequence[str]
) -> tuple[KeyMade, list[Event]]:
    """Make a key that carries some permissions; raises Invalid for a scope that no key may have."""
    for nr, scope in enumerate(scopes):
        if scope not in SCOPES:
            raise Invalid(
                f"A key can't carry {scope[:60]!r}; it can carry {', '.join(SCOPES)}.", field=f"scopes[{nr}]"
            )
    label = scrub(name).strip()
    if not 1 <= len(label) <= 100:
        raise Invalid("A name has 1 to 100 characters.", field="name")
    key, token, carried = new_id(), tokens.make(tokens.KEY), sorted(set(scopes))
    created = await tx.value(
        SQL.create_key,
        workspace=workspace,
        id=key,
        name=label,
        hash=tokens.digest(token),
        scopes=carried,
        by=by,
    )
    return KeyMade(key, token, carried, created), [
        SettingsChanged(workspace_id=workspace, subject=key, what="api_key")
    ]


async def revoke(tx: Tx, workspace: UUID, key: UUID) -> list[Event]:
    """End a key for good."""
    if await tx.value(SQL.revoke_key, workspace=workspace, id=key) is None:
        raise NotFound("There is no such key.")
    return [SettingsChanged(workspace_id=workspace, subject=key, what="api_key")]
