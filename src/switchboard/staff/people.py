"""People and teams: invite, welcome, change, let go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.errors import Conflict, Invalid, NotFound
from switchboard.core.events import Event, SettingsChanged
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx
from switchboard.staff import tokens
from switchboard.staff.audit import SQL
from switchboard.staff.entrance import normal
from switchboard.staff.permission import ADMINISTRATOR, ROLES

INVITATION_SECONDS = 7 * 86_400


class Invited(msgspec.Struct, frozen=True):
    """An invitation just made; the token is told once."""

    id: UUID
    token: str
    expires_at: datetime


class Invitation(msgspec.Struct, frozen=True):
    """An invitation found by its token."""

    workspace_id: UUID
    id: UUID
    email: str
    name: str
    role: str
    team_ids: list[UUID]
    invited_by: UUID
    workspace_name: str
    locale: str


def _changed(workspace: UUID, subject: UUID, what: str) -> SettingsChanged:
    return SettingsChanged(workspace_id=workspace, subject=subject, what=what)


def _name(text: str, field: str = "name") -> str:
    name = scrub(text).strip()
    if not 1 <= len(name) <= 100:
        raise Invalid("A name has 1 to 100 characters.", field=field)
    return name


def _role(role: str) -> str:
    if role not in ROLES:
        raise Invalid(f"A role is one of {', '.join(ROLES)}.", field="role")
    return role


def check_email(email: str) -> str:
    """Return an address as accounts are known by it; raises Invalid for what can't be one."""
    found = normal(email)
    local, at, host = found.rpartition("@")
    if not at or not local or "." not in host.strip(".") or any(one.isspace() for one in found):
        raise Invalid("This is not an e-mail address.", field="email")
    return found


async def _known_teams(tx: Tx, workspace: UUID, teams: Sequence[UUID]) -> list[UUID]:
    wanted = sorted(set(teams))
    found = {row["id"] for row in await tx.rows(SQL.known_teams, workspace=workspace, teams=wanted)}
    if missing := [one for one in wanted if one not in found]:
        raise Invalid(f"There is no team {missing[0]}.", field="team_ids")
    return wanted


async def create_account(tx: Tx, email: str, hashed: str) -> UUID | None:
    """Add an account; None when the address is taken. Only the owner of the tables may."""
    found: UUID | None = await tx.value(
        SQL.create_account, id=new_id(), email=check_email(email), hash=hashed
    )
    return found


async def account_of(tx: Tx, email: str) -> UUID | None:
    """Find the account of an address. Only the owner of the tables sees those of other workspaces."""
    row = await tx.row(SQL.account_by_email, email=normal(email))
    return row["id"] if row else None


async def hire(
    tx: Tx,
    workspace: UUID,
    account: UUID,
    name: str,
    role: str,
    teams: Sequence[UUID] = (),
    locale: str = "zh-CN",
) -> tuple[UUID, list[Event]]:
    """Let an account work in a workspace; raises Conflict when it does already."""
    agent = new_id()
    if (
        await tx.value(
            SQL.create_agent,
            workspace=workspace,
            id=agent,
            account=account,
            name=_name(name),
            role=_role(role),
            locale=locale,
        )
        is None
    ):
        raise Conflict("This person works here already.", code="already_member")
    await tx.run(SQL.join_teams, workspace=workspace, agent=agent, teams=list(teams))
    return agent, [_changed(workspace, agent, "agent")]


async def invite(
    tx: Tx, workspace: UUID, by: UUID, email: str, name: str, role: str, teams: Sequence[UUID]
) -> tuple[Invited, list[Event]]:
    """Invite somebody for seven days; an earlier invitation of the same address is over."""
    address = check_email(email)
    if await tx.value(SQL.agent_of_email, workspace=workspace, email=address):
        raise Conflict(
            "Somebody with this e-mail address works here already.", code="already_member", field="email"
        )
    token, invitation = tokens.make(tokens.INVITATION), new_id()
    expires = await tx.value(
        SQL.create_invitation,
        workspace=workspace,
        id=invitation,
        hash=tokens.digest(token),
        email=address,
        name=_name(name),
        role=_role(role),
        teams=await _known_teams(tx, workspace, teams),
        by=by,
        seconds=INVITATION_SECONDS,
    )
    return Invited(invitation, token, expires), [_changed(workspace, invitation, "invitation")]


async def withdraw(tx: Tx, workspace: UUID, invitation: UUID) -> list[Event]:
    """Take an invitation back."""
    if await tx.value(SQL.remove_invitation, workspace=workspace, id=invitation) is None:
        raise NotFound("There is no such invitation, or it was accepted.")
    return [_changed(workspace, invitation, "invitation")]


async def invitation(tx: Tx, token: str) -> Invitation:
    """Find an invitation by its token and lock it. Only the owner of the tables may ask."""
    row = await tx.row(SQL.invitation_by_token, hash=tokens.digest(token))
    if row is None:
        raise NotFound(
            "This invitation has expired, was taken back or was accepted already.", code="invitation_over"
        )
    return Invitation(**{**row, "team_ids": list(row["team_ids"])})


async def accept(tx: Tx, found: Invitation, account: UUID, name: str) -> tuple[UUID, list[Event]]:
    """Make the invited account a member; the invitation is over."""
    await tx.run(SQL.accept_invitation, workspace=found.workspace_id, id=found.id)
    return await hire(tx, found.workspace_id, account, name, found.role, found.team_ids, found.locale)


async def edit(tx: Tx, workspace: UUID, agent: UUID, changes: dict[str, Any]) -> list[Event]:
    """Change name, role, locale, theme, settings, disabled, team_ids; absent keys stay.

    Raises NotFound, Invalid, and Conflict when nobody would be left to administer the workspace.
    """
    if changes.get("disabled") or changes.get("role", ADMINISTRATOR) != ADMINISTRATOR:
        left = {row["id"] for row in await tx.rows(SQL.lock_administrators, workspace=workspace)} - {agent}
        if not left:
            raise Conflict(
                "Somebody has to be the administrator; appoint another first.", code="last_administrator"
            )
    fields: dict[str, Any] = dict.fromkeys(("name", "role", "locale", "theme", "settings", "disabled"))
    fields |= {key: value for key, value in changes.items() if key in fields}
    if fields["name"] is not None:
        fields["name"] = _name(fields["name"])
    if fields["role"] is not None:
        fields["role"] = _role(fields["role"])
    if not await tx.run(SQL.edit_agent, workspace=workspace, id=agent, **fields):
        raise NotFound("There is no such person.")
    if (teams := changes.get("team_ids")) is not None:
        known = await _known_teams(tx, workspace, teams)
        await tx.run(SQL.leave_teams, workspace=workspace, agent=agent, teams=known)
        await tx.run(SQL.join_teams, workspace=workspace, agent=agent, teams=known)
    if fields["disabled"]:
        await tx.run(SQL.end_sessions, workspace=workspace, agent=agent, but=None)
    return [_changed(workspace, agent, "agent")]


async def create_team(tx: Tx, workspace: UUID, name: str) -> tuple[UUID, list[Event]]:
    """Add a team."""
    team = new_id()
    if await tx.value(SQL.create_team, workspace=workspace, id=team, name=_name(name)) is None:
        raise Conflict("There is a team of this name already.", code="name_taken", field="name")
    return team, [_changed(workspace, team, "team")]


async def rename_team(tx: Tx, workspace: UUID, team: UUID, name: str) -> list[Event]:
    """Rename a team."""
    other = await tx.value(SQL.team_named, workspace=workspace, name=_name(name))
    if other is not None and other != team:
        raise Conflict("There is a team of this name already.", code="name_taken", field="name")
    if not await tx.run(SQL.rename_team, workspace=workspace, id=team, name=_name(name)):
        raise NotFound("There is no such team.")
    return [_changed(workspace, team, "team")]


async def remove_team(tx: Tx, workspace: UUID, team: UUID) -> list[Event]:
    """Remove a team that no channel and no open conversation needs."""
    if await tx.value(SQL.team_in_use, workspace=workspace, id=team):
        raise Conflict(
            "Channels or open conversations belong to this team; give them to another first.", code="in_use"
        )
    if not await tx.run(SQL.remove_team, workspace=workspace, id=team):
        raise NotFound("There is no such team.")
    return [_changed(workspace, team, "team")]
