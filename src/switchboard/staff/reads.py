"""Who is it, who works here: what the API and the screens ask of the staff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from switchboard.core.commands import Actor
from switchboard.db.pool import Tx
from switchboard.staff import tokens
from switchboard.staff.audit import SQL
from switchboard.staff.permission import Permission, key_has, role_has

LAST = UUID(int=(1 << 128) - 1)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request: a person by a session, or an API key."""

    workspace_id: UUID
    kind: str
    """`agent` or `api_key`."""
    id: UUID
    name: str
    role: str = ""
    scopes: frozenset[str] = frozenset()
    team_ids: frozenset[UUID] = frozenset()
    session_id: UUID | None = None
    account_id: UUID | None = None
    csrf: str = ""
    last_seen_at: datetime | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether this is permitted; the table decides."""
        return role_has(self.role, permission) if self.kind == "agent" else key_has(self.scopes, permission)

    @property
    def actor(self) -> Actor:
        """Who did it, for commands: what a key says is said by a bot."""
        return Actor("agent" if self.kind == "agent" else "bot", self.id)


class Presence(msgspec.Struct, frozen=True):
    """How available somebody is: online, busy or offline; conversations in hand, and how many at most."""

    status: str
    load: int
    capacity: int


class Agent(msgspec.Struct, frozen=True):
    """Somebody who works here."""

    id: UUID
    name: str
    email: str
    role: str
    team_ids: list[UUID]
    locale: str
    theme: str
    disabled: bool
    presence: Presence


class Myself(Agent, frozen=True):
    """Oneself, with one's own settings."""

    settings: dict[str, Any]


class Team(msgspec.Struct, frozen=True):
    """People who share a queue."""

    id: UUID
    name: str
    member_ids: list[UUID]


class Membership(msgspec.Struct, frozen=True):
    """A workspace where an account works, and as whom."""

    workspace_id: UUID
    agent_id: UUID
    name: str


class SessionRow(msgspec.Struct, frozen=True):
    """One device that is signed in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str


class InvitationRow(msgspec.Struct, frozen=True):
    """An invitation that can still be accepted."""

    id: UUID
    email: str
    name: str
    role: str
    team_ids: list[UUID]
    expires_at: datetime


class KeyRow(msgspec.Struct, frozen=True):
    """An API key, without its token."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None


class AuditRow(msgspec.Struct, frozen=True):
    """One line of the audit."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_name: str
    action: str
    target: str
    detail: dict[str, Any]


async def by_token(tx: Tx, token: str) -> Principal | None:
    """Find who holds a session token or an API key; only the owner of the tables may ask."""
    if token.startswith(tokens.KEY):
        row = await tx.row(SQL.key_by_token, hash=tokens.digest(token))
        if row is None:
            return None
        return Principal(
            workspace_id=row["workspace_id"],
            kind="api_key",
            id=row["id"],
            name=row["name"],
            scopes=frozenset(row["scopes"]),
            last_seen_at=row["last_used_at"],
        )
    row = await tx.row(SQL.session_by_token, hash=tokens.digest(token))
    if row is None:
        return None
    return Principal(
        workspace_id=row["workspace_id"],
        kind="agent",
        id=row["agent_id"],
        name=row["name"],
        role=row["role"],
        team_ids=frozenset(row["team_ids"]),
        session_id=row["session_id"],
        account_id=row["account_id"],
        csrf=row["csrf"],
        last_seen_at=row["last_seen_at"],
    )


async def memberships(tx: Tx, account: UUID) -> list[Membership]:
    """List the workspaces where an account works; only the owner of the tables sees more than one."""
    return [Membership(**row) for row in await tx.rows(SQL.memberships, account=account)]


def _agent(row: Any) -> Agent:
    return Agent(
        row["id"],
        row["name"],
        row["email"],
        row["role"],
        list(row["team_ids"]),
        row["locale"],
        row["theme"],
        row["disabled_at"] is not None,
        Presence(row["status"], row["load"], row["capacity"]),
    )


async def agents(tx: Tx, workspace: UUID) -> list[Agent]:
    """List everybody who works or worked here, by name."""
    return [_agent(row) for row in await tx.rows(SQL.agents, workspace=workspace, id=None)]


async def agent(tx: Tx, workspace: UUID, agent_id: UUID) -> Agent | None:
    """Find one person."""
    row = await tx.row(SQL.agents, workspace=workspace, id=agent_id)
    return _agent(row) if row else None


async def myself(tx: Tx, workspace: UUID, agent_id: UUID) -> Myself | None:
    """Find one person with their own settings."""
    row = await tx.row(SQL.agents, workspace=workspace, id=agent_id)
    if row is None:
        return None
    return Myself(**msgspec.structs.asdict(_agent(row)), settings=msgspec.json.decode(row["settings"]))


async def teams(tx: Tx, workspace: UUID) -> list[Team]:
    """List the teams, by name."""
    return [
        Team(row["id"], row["name"], list(row["member_ids"]))
        for row in await tx.rows(SQL.teams, workspace=workspace, id=None)
    ]


async def team(tx: Tx, workspace: UUID, team_id: UUID) -> Team | None:
    """Find one team."""
    row = await tx.row(SQL.teams, workspace=workspace, id=team_id)
    return Team(row["id"], row["name"], list(row["member_ids"])) if row else None


async def sessions(tx: Tx, workspace: UUID, agent_id: UUID) -> Sequence[SessionRow]:
    """List where somebody is signed in, the latest used first."""
    return [SessionRow(**row) for row in await tx.rows(SQL.sessions_of, workspace=workspace, agent=agent_id)]


async def invitations(tx: Tx, workspace: UUID) -> list[InvitationRow]:
    """List invitations that can be accepted, the latest first."""
    return [InvitationRow(**row) for row in await tx.rows(SQL.invitations, workspace=workspace)]


async def keys(tx: Tx, workspace: UUID) -> list[KeyRow]:
    """List the API keys that work, the oldest first."""
    return [KeyRow(**row) for row in await tx.rows(SQL.keys, workspace=workspace)]


async def audit(
    tx: Tx, workspace: UUID, before: UUID | None, limit: int
) -> tuple[list[AuditRow], UUID | None]:
    """Return a page of the audit, the latest first, and the id before which the next one begins."""
    rows = await tx.rows(SQL.audit_page, workspace=workspace, before=before or LAST, limit=limit + 1)
    page = [AuditRow(**{**row, "detail": msgspec.json.decode(row["detail"])}) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None
