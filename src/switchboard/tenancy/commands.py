"""Found workspaces, change their settings. The first administrator is hired by the caller, through
`staff.people`.
"""

import re
import zoneinfo
from typing import Any
from uuid import UUID

from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import Event, SettingsChanged
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx
from switchboard.db.sql import load

SQL = load(__file__)
LOCALES = ("zh-CN", "en")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def check_locale(locale: str) -> str:
    """Return a language that screens exist in; raises Invalid."""
    if locale not in LOCALES:
        raise Invalid(f"A language is one of {', '.join(LOCALES)}.", field="locale")
    return locale


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise Invalid("There is no such time zone.", field="time_zone")
    return name


def _name(text: str) -> str:
    name = scrub(text).strip()
    if not 1 <= len(name) <= 100:
        raise Invalid("A name has 1 to 100 characters.", field="name")
    return name


async def create(
    tx: Tx, name: str, slug: str, locale: str = "zh-CN", time_zone: str = "Asia/Shanghai"
) -> UUID:
    """Found a workspace; raises Invalid, and Conflict when the slug is taken. Only the owner of the tables
    may.
    """
    if not _SLUG.fullmatch(slug):
        raise Invalid("A slug has lower-case letters, digits and inner hyphens, 63 at most.", field="slug")
    found: UUID | None = await tx.value(
        SQL.create_workspace,
        id=new_id(),
        name=_name(name),
        slug=slug,
        locale=check_locale(locale),
        time_zone=_zone(time_zone),
    )
    if found is None:
        raise Conflict("There is a workspace of this slug already.", code="slug_taken", field="slug")
    return found


async def edit(tx: Tx, workspace: UUID, changes: dict[str, Any]) -> list[Event]:
    """Change name, locale, time_zone, settings; absent keys stay."""
    fields: dict[str, Any] = dict.fromkeys(("name", "locale", "time_zone", "settings")) | changes
    if fields["name"] is not None:
        fields["name"] = _name(fields["name"])
    if fields["locale"] is not None:
        check_locale(fields["locale"])
    if fields["time_zone"] is not None:
        _zone(fields["time_zone"])
    if not await tx.run(SQL.edit_workspace, id=workspace, **fields):
        raise NotFound("There is no such workspace.")
    return [SettingsChanged(workspace_id=workspace, subject=workspace, what="workspace")]
