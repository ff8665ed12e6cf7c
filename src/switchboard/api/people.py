"""People, teams, invitations, presence."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Email, Name, given
from switchboard.api.desk import Desk
from switchboard.api.paging import Page
from switchboard.core.commands import SetCapacity, SetPresence
from switchboard.core.errors import NotFound
from switchboard.db.pool import Tx
from switchboard.staff import people
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission

Role = Literal["agent", "supervisor", "administrator"]
Teams = Annotated[list[UUID], Meta(max_length=200)]


class AgentChange(Body, frozen=True, kw_only=True):
    """What an administrator changes of somebody; `capacity` is how many conversations they answer at once."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    team_ids: Teams | UnsetType = UNSET
    capacity: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class NewInvitation(Body, frozen=True, kw_only=True):
    """Whom to invite, and as what."""

    email: Email
    name: Name
    role: Role = "agent"
    team_ids: Teams = msgspec.field(default_factory=list)


class Invitation(msgspec.Struct, frozen=True):
    """An invitation. Its `link` is told once, when it is made, and empty afterwards."""

    id: UUID
    email: str
    name: str
    role: str
    team_ids: list[UUID]
    link: str
    expires_at: datetime


class TeamName(Body, frozen=True, kw_only=True):
    """What a team is called."""

    name: Name


class PresenceChoice(Body, frozen=True, kw_only=True):
    """How available one is."""

    status: Literal["online", "busy", "offline"]


@get("/agents", opt=may(Permission.PEOPLE_READ), operation_id="listAgents")
async def list_agents(desk: WithDesk) -> Page[staff.Agent]:
    """List everybody who works here."""
    return Page(await staff.agents(await desk.begin(), desk.workspace))


@patch("/agents/{agent_id:uuid}", opt=may(Permission.PEOPLE_MANAGE), operation_id="changeAgent")
async def change_agent(agent_id: FromPath[UUID], data: JSONBody[AgentChange], desk: WithDesk) -> staff.Agent:
    """Change somebody's role, teams, capacity, or let them go: their sessions end and their work goes back to
    its queue.
    """
    tx, changes = await desk.begin(), given(data)
    capacity = changes.pop("capacity", None)
    await desk.carry(tx, people.edit, desk.workspace, agent_id, changes)
    common: dict[str, Any] = {"workspace_id": desk.workspace, "by": desk.actor, "agent_id": agent_id}
    if isinstance(capacity, int):
        await desk.run(tx, SetCapacity(**common, capacity=capacity))
    if data.disabled is True:
        await desk.run(tx, SetPresence(**common, status="offline", at=datetime.now(UTC), return_work=True))
    await desk.audit(tx, "agent.edited", agent_id, **msgspec.to_builtins(given(data)))
    return await _agent(tx, desk, agent_id)


async def _agent(tx: Tx, desk: Desk, agent_id: UUID) -> staff.Agent:
    found = await staff.agent(tx, desk.workspace, agent_id)
    if found is None:
        raise NotFound("There is no such person.")
    return found


@put("/presence", opt=may(Permission.SELF), operation_id="setPresence")
async def set_presence(data: JSONBody[PresenceChoice], desk: WithDesk) -> staff.Presence:
    """Say how available one is; only who is online is given work."""
    tx = await desk.begin()
    await desk.run(
        tx,
        SetPresence(
            workspace_id=desk.workspace,
            by=desk.actor,
            agent_id=desk.principal.id,
            status=data.status,
            at=datetime.now(UTC),
        ),
    )
    return (await _agent(tx, desk, desk.principal.id)).presence


@get("/invitations", opt=may(Permission.PEOPLE_MANAGE), operation_id="listInvitations")
async def list_invitations(desk: WithDesk) -> Page[Invitation]:
    """List invitations that can still be accepted."""
    rows = await staff.invitations(await desk.begin(), desk.workspace)
    return Page([Invitation(**msgspec.structs.asdict(row), link="") for row in rows])


@post("/invitations", opt=may(Permission.PEOPLE_MANAGE), operation_id="invite")
async def invite(data: JSONBody[NewInvitation], desk: WithDesk) -> Invitation:
    """Invite somebody for seven days. Hand them the link; it is not told again."""
    tx = await desk.begin()
    made = await desk.carry(
        tx, people.invite, desk.workspace, desk.principal.id, data.email, data.name, data.role, data.team_ids
    )
    await desk.audit(tx, "invitation.made", data.email, role=data.role)
    link = f"{desk.context.settings.url}/invitations/accept?token={quote(made.token)}"
    return Invitation(
        made.id,
        people.check_email(data.email),
        data.name.strip(),
        data.role,
        data.team_ids,
        link,
        made.expires_at,
    )


@delete(
    "/invitations/{invitation_id:uuid}", opt=may(Permission.PEOPLE_MANAGE), operation_id="withdrawInvitation"
)
async def withdraw(invitation_id: FromPath[UUID], desk: WithDesk) -> None:
    """Take an invitation back."""
    tx = await desk.begin()
    await desk.carry(tx, people.withdraw, desk.workspace, invitation_id)
    await desk.audit(tx, "invitation.withdrawn", invitation_id)


@get("/teams", opt=may(Permission.PEOPLE_READ), operation_id="listTeams")
async def list_teams(desk: WithDesk) -> Page[staff.Team]:
    """List the teams with their members."""
    return Page(await staff.teams(await desk.begin(), desk.workspace))


@post("/teams", opt=may(Permission.PEOPLE_MANAGE), operation_id="createTeam")
async def create_team(data: JSONBody[TeamName], desk: WithDesk) -> staff.Team:
    """Add a team."""
    tx = await desk.begin()
    team = await desk.carry(tx, people.create_team, desk.workspace, data.name)
    await desk.audit(tx, "team.created", team, name=data.name)
    return await _team(tx, desk, team)


async def _team(tx: Tx, desk: Desk, team_id: UUID) -> staff.Team:
    found = await staff.team(tx, desk.workspace, team_id)
    if found is None:
        raise NotFound("There is no such team.")
    return found


@patch("/teams/{team_id:uuid}", opt=may(Permission.PEOPLE_MANAGE), operation_id="renameTeam")
async def rename_team(team_id: FromPath[UUID], data: JSONBody[TeamName], desk: WithDesk) -> staff.Team:
    """Rename a team."""
    tx = await desk.begin()
    await desk.carry(tx, people.rename_team, desk.workspace, team_id, data.name)
    await desk.audit(tx, "team.renamed", team_id, name=data.name)
    return await _team(tx, desk, team_id)


@delete("/teams/{team_id:uuid}", opt=may(Permission.PEOPLE_MANAGE), operation_id="removeTeam")
async def remove_team(team_id: FromPath[UUID], desk: WithDesk) -> None:
    """Remove a team that no channel and no open conversation needs."""
    tx = await desk.begin()
    await desk.carry(tx, people.remove_team, desk.workspace, team_id)
    await desk.audit(tx, "team.removed", team_id)


HANDLERS = [
    list_agents,
    change_agent,
    set_presence,
    list_invitations,
    invite,
    withdraw,
    list_teams,
    create_team,
    rename_team,
    remove_team,
]
