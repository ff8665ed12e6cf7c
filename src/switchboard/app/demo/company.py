"""The demo's company: its workspace, its people and teams, the same at every start."""

from uuid import UUID

import msgspec

from switchboard import flow
from switchboard.db.pool import Database, Tx
from switchboard.staff import passwords, people
from switchboard.staff import reads as staff
from switchboard.staff.permission import ADMINISTRATOR, AGENT, SUPERVISOR
from switchboard.tenancy import commands as tenancy
from switchboard.tenancy import reads as workspaces

SLUG = "shanye-demo"
NAME = "山野集 Shanye Outfitters"
PASSWORD = "shanye-demo"  # noqa: S105 - told to everybody who starts the demo
FILLED = "demo_filled"
"""Setting of the workspace: the past has been written."""
TEAMS = {"presale": "售前咨询", "aftersale": "售后服务", "international": "International"}


class Colleague(msgspec.Struct, frozen=True):
    """Somebody who works in the demo."""

    name: str
    email: str
    role: str
    team: str = ""
    locale: str = "zh-CN"


STAFF = [
    Colleague("林知夏", "admin@shanye.example", ADMINISTRATOR),
    Colleague("周明远", "lead@shanye.example", SUPERVISOR),
    Colleague("苏晓", "suxiao@shanye.example", AGENT, "presale"),
    Colleague("何川", "hechuan@shanye.example", AGENT, "presale"),
    Colleague("江月", "jiangyue@shanye.example", AGENT, "aftersale"),
    Colleague("陆沉", "luchen@shanye.example", AGENT, "aftersale"),
    Colleague("Emily Carter", "emily@shanye.example", AGENT, "international", "en"),
    Colleague("Daniel Wong", "daniel@shanye.example", AGENT, "international", "en"),
]
AGENTS = [one for one in STAFF if one.role == AGENT]


class Company(msgspec.Struct, frozen=True):
    """The company as it stands in the database. `agents` are in the order of AGENTS."""

    workspace: UUID
    teams: dict[str, UUID]
    agents: list[UUID]
    filled: bool

    @property
    def crew(self) -> dict[str, list[int]]:
        """Return the numbers of the agents of each team."""
        return {key: [nr for nr, one in enumerate(AGENTS) if one.team == key] for key in TEAMS}


async def company(db: Database) -> Company:
    """Find the demo's company, or found it."""
    async with db.transaction() as tx:
        found = await workspaces.by_slug(tx, SLUG)
    if found is None:
        hashed = await passwords.hashed(PASSWORD)
        async with db.transaction() as tx:
            await _found(tx, hashed)
    async with db.transaction() as tx:
        known = await workspaces.by_slug(tx, SLUG)
        assert known is not None
        by_email = {one.email: one.id for one in await staff.agents(tx, known.id)}
        by_name = {one.name: one.id for one in await staff.teams(tx, known.id)}
    agents = [by_email[one.email] for one in AGENTS if one.email in by_email]
    teams = {key: by_name[name] for key, name in TEAMS.items() if name in by_name}
    return Company(known.id, teams, agents, bool(known.settings.get(FILLED)))


async def _found(tx: Tx, hashed: str) -> None:
    workspace = await tenancy.create(tx, NAME, SLUG)
    teams: dict[str, UUID] = {}
    for key, name in TEAMS.items():
        teams[key], _ = await flow.carry(tx, people.create_team, workspace, name)
    for one in STAFF:
        account = await people.account_of(tx, one.email) or await people.create_account(tx, one.email, hashed)
        assert account is not None
        joined = [teams[one.team]] if one.team else []
        await flow.carry(tx, people.hire, workspace, account, one.name, one.role, joined, one.locale)
