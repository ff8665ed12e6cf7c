"""API keys, the audit, the workspace's settings."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from switchboard.api.auth import WithDesk, may
from switchboard.api.bodies import Body, Name, given
from switchboard.api.paging import Cursor, Limit, Page, seal, unseal_id
from switchboard.core.errors import Invalid, NotFound
from switchboard.staff import keys
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission
from switchboard.tenancy import commands as tenancy
from switchboard.tenancy import reads as workspaces

MAX_SETTINGS = 50_000


class NewKey(Body, frozen=True, kw_only=True):
    """A key's name and what it may do."""

    name: Name
    scopes: Annotated[list[str], Meta(min_length=1, max_length=50)]


class ApiKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key. Its `token` is told once, when it is made."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    token: str | UnsetType = UNSET


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what."""

    id: UUID
    at: datetime
    actor_name: str
    action: str
    target: str
    detail: dict[str, Any]


class WorkspaceChange(Body, frozen=True, kw_only=True):
    """What changes of a workspace; settings are merged by key."""

    name: Name | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


@get("/api-keys", opt=may(Permission.KEYS_MANAGE), operation_id="listApiKeys")
async def list_keys(desk: WithDesk) -> Page[ApiKey]:
    """List the API keys that work."""
    rows = await staff.keys(await desk.begin(), desk.workspace)
    return Page([ApiKey(**msgspec.structs.asdict(row)) for row in rows])


@post("/api-keys", opt=may(Permission.KEYS_MANAGE), operation_id="createApiKey")
async def create_key(data: JSONBody[NewKey], desk: WithDesk) -> ApiKey:
    """Make an API key."""
    tx = await desk.begin()
    made = await desk.carry(tx, keys.create, desk.workspace, desk.principal.id, data.name, data.scopes)
    await desk.audit(tx, "api_key.created", made.id, name=data.name, scopes=made.scopes)
    return ApiKey(made.id, data.name.strip(), made.scopes, made.created_at, None, made.token)


@delete("/api-keys/{key_id:uuid}", opt=may(Permission.KEYS_MANAGE), operation_id="revokeApiKey")
async def revoke_key(key_id: FromPath[UUID], desk: WithDesk) -> None:
    """End an API key for good."""
    tx = await desk.begin()
    await desk.carry(tx, keys.revoke, desk.workspace, key_id)
    await desk.audit(tx, "api_key.revoked", key_id)


@get("/audit", opt=may(Permission.AUDIT_READ), operation_id="listAudit")
async def list_audit(desk: WithDesk, cursor: Cursor = None, limit: Limit = 50) -> Page[AuditEntry]:
    """List who did what, the latest first."""
    before = unseal_id(cursor)
    rows, following = await staff.audit(await desk.begin(), desk.workspace, before, limit)
    items = [AuditEntry(one.id, one.at, one.actor_name, one.action, one.target, one.detail) for one in rows]
    return Page(items, seal(following))


@get("/workspace", opt=may(Permission.SETTINGS_READ), operation_id="readWorkspace")
async def read_workspace(desk: WithDesk) -> workspaces.Workspace:
    """Return the workspace and its settings."""
    found = await workspaces.workspace(await desk.begin(), desk.workspace)
    if found is None:
        raise NotFound("There is no such workspace.")
    return found


@patch("/workspace", opt=may(Permission.SETTINGS_MANAGE), operation_id="changeWorkspace")
async def change_workspace(data: JSONBody[WorkspaceChange], desk: WithDesk) -> workspaces.Workspace:
    """Change the workspace's name, language, time zone and settings."""
    if data.settings is not UNSET and len(msgspec.json.encode(data.settings)) > MAX_SETTINGS:
        raise Invalid("These settings are too many.", field="settings")
    tx = await desk.begin()
    await desk.carry(tx, tenancy.edit, desk.workspace, given(data))
    await desk.audit(tx, "workspace.edited", desk.workspace, fields=sorted(given(data)))
    found = await workspaces.workspace(tx, desk.workspace)
    assert found is not None
    return found


HANDLERS = [list_keys, create_key, revoke_key, list_audit, read_workspace, change_workspace]
