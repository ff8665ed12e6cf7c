"""Signing in and out, oneself, invitations accepted."""

import base64
import binascii
import secrets
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, UnsetType

from switchboard import flow
from switchboard.api.auth import WithContext, WithDesk, may
from switchboard.api.bodies import Body, Email, Name, Password, given
from switchboard.api.context import ApiContext
from switchboard.api.desk import Desk
from switchboard.api.paging import Page
from switchboard.core.commands import Actor
from switchboard.core.errors import Invalid, NotFound, Problem
from switchboard.db.pool import Tx
from switchboard.secrecy import CannotOpen
from switchboard.staff import audit, entrance, passwords, people
from switchboard.staff import reads as staff
from switchboard.staff.permission import Permission, permissions_of
from switchboard.tenancy import reads as tenancy
from switchboard.tenancy.commands import check_locale

DEVICE_COOKIE = "switchboard_device"
DEVICE_DAYS = 365
NOWHERE = UUID(int=0)
MAX_SETTINGS = 20_000
THEMES = ("light", "dark", "system")


class SignIn(Body, frozen=True, kw_only=True):
    """E-mail address and password; `workspace_id` where somebody works in several."""

    email: Email
    password: Password
    workspace_id: UUID | None = None


class WorkspaceBrief(msgspec.Struct, frozen=True):
    """The workspace one is in."""

    id: UUID
    name: str
    locale: str
    time_zone: str


class WorkspaceName(msgspec.Struct, frozen=True):
    """A workspace one could be in."""

    id: UUID
    name: str


class Me(msgspec.Struct, frozen=True):
    """Who one is, where, and what one may do."""

    agent: staff.Myself
    workspace: WorkspaceBrief
    workspaces: list[WorkspaceName]
    permissions: list[str]


class SignedIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session; `token` is told only to programs, which send no Origin."""

    csrf: str
    me: Me
    token: str | UnsetType = UNSET


class SessionInfo(msgspec.Struct, frozen=True):
    """A device that is signed in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str
    current: bool


class Profile(Body, frozen=True, kw_only=True):
    """What one changes of oneself; settings are replaced whole."""

    name: Name | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    theme: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class NewPassword(Body, frozen=True, kw_only=True):
    """The password until now and the one from now on."""

    current: Password
    new: Password


class Acceptance(Body, frozen=True, kw_only=True):
    """An invitation's token with the name to go by and a password.

    Who has an account already (in another workspace) gives its password.
    """

    token: Password
    name: Name
    password: Password


class InvitationFound(msgspec.Struct, frozen=True):
    """Whom an invitation is for."""

    email: str
    name: str
    workspace_name: str


async def me_of(tx: Tx, workspace: UUID, agent: UUID, account: UUID) -> Me:
    """Put together who somebody is; as the owner of the tables, who sees all their workspaces."""
    myself = await staff.myself(tx, workspace, agent)
    here = await tenancy.workspace(tx, workspace)
    if myself is None or here is None:
        raise NotFound("There is no such person.")
    others = [WorkspaceName(one.workspace_id, one.name) for one in await staff.memberships(tx, account)]
    brief = WorkspaceBrief(here.id, here.name, here.locale, here.time_zone)
    return Me(myself, brief, others, permissions_of(myself.role))


def _device(context: ApiContext, request: Request[Any, Any, Any]) -> tuple[UUID, str] | None:
    """Return what this browser's cookie says: which account was signed in to here, and the browser's own
    number.
    """
    text = request.cookies.get(DEVICE_COOKIE, "")
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(
            context.sealer.open(sealed, workspace=NOWHERE, purpose="device"), type=tuple[UUID, str]
        )
    except (binascii.Error, ValueError, CannotOpen, msgspec.DecodeError):
        return None


def _cookies(context: ApiContext, session: entrance.Session, device: tuple[UUID, str] | None) -> list[Cookie]:
    if device is None or device[0] != session.account_id:
        device = (session.account_id, secrets.token_urlsafe(16))
    sealed = context.sealer.seal(msgspec.json.encode(device), workspace=NOWHERE, purpose="device")
    known = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return [
        session_cookie(context, session.token),
        Cookie(
            DEVICE_COOKIE,
            path="/api/v1",
            value=known,
            max_age=DEVICE_DAYS * 86_400,
            httponly=True,
            samesite="lax",
            secure=context.settings.secure_cookies,
        ),
    ]


def session_cookie(context: ApiContext, token: str) -> Cookie:
    """Return the cookie of a session; an empty token takes it away."""
    return Cookie(
        context.settings.cookie_name,
        path="/",
        value=token,
        max_age=entrance.LIFETIME if token else 0,
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )


async def _begin(
    context: ApiContext, request: Request[Any, Any, Any], tx: Tx, workspace: UUID, account: UUID, agent: UUID
) -> Response[SignedIn]:
    address, browser = address_of(request), request.headers.get("User-Agent", "")
    session = await entrance.begin(tx, workspace, account, agent, address, browser)
    await audit.record(tx, workspace, Actor("agent", agent), "session.begun", entrance.network(address))
    me = await me_of(tx, workspace, agent, account)
    token: str | UnsetType = UNSET if "Origin" in request.headers else session.token
    return Response(
        SignedIn(session.csrf, me, token),
        status_code=201,
        cookies=_cookies(context, session, _device(context, request)),
    )


def address_of(request: Request[Any, Any, Any]) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client else ""


@post("/sessions", opt=may(Permission.PUBLIC), operation_id="signIn")
async def sign_in(
    data: JSONBody[SignIn], context: WithContext, request: Request[Any, Any, Any]
) -> Response[SignedIn]:
    """Sign in. Sets the session cookie; programs, which send no Origin, get a token besides."""
    async with context.db.transaction() as tx:
        attempt = await entrance.reserve(tx, data.email, address_of(request), _device(context, request))
    if not await passwords.matches(attempt.password_hash, data.password) or attempt.account_id is None:
        raise entrance.wrong()
    fresh = await passwords.hashed(data.password) if passwords.outdated(attempt.password_hash) else None
    async with context.db.transaction() as tx:
        await entrance.forgive(tx, attempt)
        if fresh is not None:
            await entrance.renew_hash(tx, attempt.account_id, fresh)
        found = await staff.memberships(tx, attempt.account_id)
        chosen = next((one for one in found if data.workspace_id in (None, one.workspace_id)), None)
        if chosen is not None:
            return await _begin(
                context, request, tx, chosen.workspace_id, attempt.account_id, chosen.agent_id
            )
    raise entrance.wrong()


@get("/sessions/current", opt=may(Permission.SELF), operation_id="currentSession")
async def current_session(desk: WithDesk, request: Request[Any, Any, Any]) -> Response[SignedIn]:
    """Return the session of this request; its cookie lives on."""
    who = desk.principal
    assert who.account_id is not None
    async with desk.context.db.transaction() as tx:
        me = await me_of(tx, who.workspace_id, who.id, who.account_id)
    token = request.cookies.get(desk.context.settings.cookie_name, "")
    cookies = (
        [session_cookie(desk.context, token)] if token and "Authorization" not in request.headers else []
    )
    return Response(SignedIn(who.csrf, me), cookies=cookies)


@delete("/sessions/current", opt=may(Permission.SELF), operation_id="signOut")
async def sign_out(desk: WithDesk) -> Response[None]:
    """End this session."""
    assert desk.principal.session_id is not None
    tx = await desk.begin()
    await desk.carry(tx, entrance.end, desk.workspace, desk.principal.id, desk.principal.session_id)
    await desk.audit(tx, "session.ended")
    return Response(None, status_code=204, cookies=[session_cookie(desk.context, "")])


@get("/sessions", opt=may(Permission.SELF), operation_id="listSessions")
async def list_sessions(desk: WithDesk) -> Page[SessionInfo]:
    """List where one is signed in."""
    rows = await staff.sessions(await desk.begin(), desk.workspace, desk.principal.id)
    here = desk.principal.session_id
    return Page([SessionInfo(**msgspec.structs.asdict(row), current=row.id == here) for row in rows])


@delete("/sessions/{session_id:uuid}", opt=may(Permission.SELF), operation_id="endSession")
async def end_session(session_id: FromPath[UUID], desk: WithDesk) -> None:
    """Sign another device of one's own out."""
    tx = await desk.begin()
    if not await desk.carry(tx, entrance.end, desk.workspace, desk.principal.id, session_id):
        raise NotFound("There is no such session.")
    await desk.audit(tx, "session.ended", session_id)


@patch("/me", opt=may(Permission.SELF), operation_id="changeMe")
async def change_me(data: JSONBody[Profile], desk: WithDesk) -> Me:
    """Change one's own name, language, theme and settings."""
    changes = given(data)
    if "theme" in changes and data.theme not in THEMES:
        raise Invalid(f"A theme is one of {', '.join(THEMES)}.", field="theme")
    if isinstance(data.locale, str):
        check_locale(data.locale)
    if data.settings is not UNSET and len(msgspec.json.encode(data.settings)) > MAX_SETTINGS:
        raise Invalid("These settings are too many.", field="settings")
    tx = await desk.begin()
    await desk.carry(tx, people.edit, desk.workspace, desk.principal.id, changes)
    return await _me(tx, desk)


async def _me(tx: Tx, desk: Desk) -> Me:
    """Who one is, with what this transaction has changed; other workspaces' names come from outside it."""
    who = desk.principal
    assert who.account_id is not None
    async with desk.context.db.transaction() as all_of_them:
        me = await me_of(all_of_them, who.workspace_id, who.id, who.account_id)
    changed = await staff.myself(tx, who.workspace_id, who.id)
    return me if changed is None else msgspec.structs.replace(me, agent=changed)


@post("/me/password", opt=may(Permission.SELF), status_code=204, operation_id="changePassword")
async def change_password(
    data: JSONBody[NewPassword], desk: WithDesk, request: Request[Any, Any, Any]
) -> None:
    """Change one's password; every other session of one's account ends."""
    who, context = desk.principal, desk.context
    assert who.account_id is not None
    passwords.check(data.new, "new")
    tx = await desk.begin()
    me = await staff.myself(tx, desk.workspace, who.id)
    assert me is not None
    async with context.db.transaction() as owner:
        attempt = await entrance.reserve(
            owner, me.email, address_of(request), (who.account_id, str(who.session_id))
        )
    if not await passwords.matches(attempt.password_hash, data.current):
        raise Problem("This is not your password until now.", code="wrong_password", field="current")
    hashed = await passwords.hashed(data.new)
    async with context.db.transaction() as owner:
        await entrance.forgive(owner, attempt)
        await entrance.change_password(owner, who.account_id, hashed, who.session_id)
    await desk.audit(tx, "password.changed")


Token = Annotated[str, QueryParameter(description="The token of the invitation's link.", max_length=200)]


@get("/invitations/lookup", opt=may(Permission.PUBLIC), operation_id="lookUpInvitation")
async def look_up(context: WithContext, token: Token) -> InvitationFound:
    """Tell whom an invitation is for."""
    async with context.db.transaction() as tx:
        found = await people.invitation(tx, token)
    return InvitationFound(found.email, found.name, found.workspace_name)


@post("/invitations/accept", opt=may(Permission.PUBLIC), operation_id="acceptInvitation")
async def accept(
    data: JSONBody[Acceptance], context: WithContext, request: Request[Any, Any, Any]
) -> Response[SignedIn]:
    """Accept an invitation and sign in."""
    passwords.check(data.password)
    async with context.db.transaction() as tx:
        found = await people.invitation(tx, data.token)
        known = await people.account_of(tx, found.email)
    attempt = None
    if known is not None:
        async with context.db.transaction() as tx:
            attempt = await entrance.reserve(tx, found.email, address_of(request), _device(context, request))
        if not await passwords.matches(attempt.password_hash, data.password):
            raise entrance.wrong()
    hashed = "" if known is not None else await passwords.hashed(data.password)
    async with context.db.transaction() as tx:
        found = await people.invitation(tx, data.token)
        account = known or await people.create_account(tx, found.email, hashed)
        if account is None:
            raise Problem("This account was made just now; try again.", code="try_again")
        if attempt is not None:
            await entrance.forgive(tx, attempt)
        agent, events = await flow.carry(tx, people.accept, found, account, data.name)
        await audit.record(tx, found.workspace_id, Actor("agent", agent), "invitation.accepted", found.email)
        answer = await _begin(context, request, tx, found.workspace_id, account, agent)
    context.announce(events)
    return answer


HANDLERS = [
    sign_in,
    current_session,
    sign_out,
    list_sessions,
    end_session,
    change_me,
    change_password,
    look_up,
    accept,
]
