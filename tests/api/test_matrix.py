"""Every endpoint × role × workspace × session × key: who gets in, who is told 401, 403 or 404."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from switchboard.staff.permission import ROLES, RULES, SCOPES, Permission, key_has, role_has
from tests.api.conftest import Office, Person

Endpoint = tuple[str, str, HTTPRouteHandler]
WELL_TYPED: dict[str, Any] = {
    "change_agent": {"name": "X"},
    "create_team": {"name": "X"},
    "rename_team": {"name": "X"},
    "set_presence": {"status": "online"},
}
ALTERS_ITSELF = {"/api/v1/sessions/current", "/api/v1/me/password"}


def endpoints(app: Litestar) -> list[Endpoint]:
    """Every endpoint of the API but the automatic OPTIONS."""
    return [
        (method, route.path_format, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
        if method != "OPTIONS"
        and route.path_format.startswith("/api/v1")
        and handler.resolve_include_in_schema()
    ]


def filled(path: str, value: UUID | None = None) -> str:
    """A path whose ids are of nothing, or of one thing."""
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", str(value or uuid4()))
    return path.removeprefix("/api/v1")


def request_of(handler: HTTPRouteHandler) -> dict[str, Any]:
    """A query or body that passes the check of its type, if the endpoint takes one."""
    if handler.fn.__name__ == "read_picture":
        return {"params": {"url": "https://pictures.example/1.png"}}
    if handler.fn.__name__ == "read_sticker":
        return {"params": {"key": "446:1988"}}
    if handler.opt.get("accepts"):
        return {"files": {"file": ("a.txt", b"hello")}}
    if "data" in handler.parsed_fn_signature.parameters:
        return {"json": WELL_TYPED.get(handler.fn.__name__, {})}
    return {}


async def test_every_endpoint_declares_a_permission_of_the_table(office: Office) -> None:
    found = endpoints(office.app)
    assert len(found) > 50
    for method, path, handler in found:
        permission = handler.opt.get("permission")
        assert isinstance(permission, Permission), f"{method} {path} declares no permission"
        assert permission in RULES or permission is Permission.PUBLIC, f"{permission} has no rule"


CLOSED_TO_AGENTS = """
    DELETE /api-keys/{key_id}
    DELETE /connections/{connection_id}
    DELETE /dead-letters/{letter_id}
    DELETE /invitations/{invitation_id}
    DELETE /teams/{team_id}
    GET /api-keys
    GET /audit
    GET /connections
    GET /connections/{connection_id}
    GET /alarms
    GET /connections/{connection_id}/events
    GET /connections/{connection_id}/health
    GET /dead-letters
    GET /dead-letters/{letter_id}
    GET /invitations
    PATCH /agents/{agent_id}
    PATCH /channels/{channel_id}
    PATCH /connections/{connection_id}
    PATCH /teams/{team_id}
    PATCH /workspace
    POST /api-keys
    POST /connections
    POST /alarms/seen
    POST /connections/test
    POST /connections/{connection_id}/test-message
    POST /connections/{connection_id}/test
    POST /connections/{connection_id}/rotate
    POST /dead-letters/{letter_id}/replay
    POST /invitations
    POST /teams
"""
OPEN_TO_ALL = "GET /invitations/lookup, POST /invitations/accept, POST /sessions"


async def test_what_is_closed_to_agents_is_written_down_twice(office: Office) -> None:
    """A permission declared by mistake would pass every other test here."""
    declared = {
        f"{method} {path.removeprefix('/api/v1')}": handler.opt["permission"]
        for method, path, handler in endpoints(office.app)
    }
    public = {name for name, permission in declared.items() if permission is Permission.PUBLIC}
    closed = {name for name, permission in declared.items() if not role_has("agent", permission)} - public
    assert public == set(OPEN_TO_ALL.split(", "))
    assert closed == {line.strip() for line in CLOSED_TO_AGENTS.split("\n") if line.strip()}


async def test_nobody_gets_in_without_a_session(office: Office) -> None:
    stranger = office.client()
    for method, path, handler in endpoints(office.app):
        answer = await stranger.request(method, f"/api/v1{filled(path)}", **request_of(handler))
        if handler.opt["permission"] is Permission.PUBLIC:
            assert answer.status_code in (400, 404), f"{method} {path}: {answer.status_code}"
        else:
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_what_the_table_says(office: Office, role: str) -> None:
    person = await office.person("someone", role)
    await office.person("boss", "administrator")
    for method, path, handler in endpoints(office.app):
        permission = handler.opt["permission"]
        if permission is Permission.PUBLIC or (path in ALTERS_ITSELF and method != "GET"):
            continue
        answer = await person.call(method, filled(path), **request_of(handler))
        allowed = role_has(role, permission)
        assert (answer.status_code != 403) == allowed, (
            f"{role} {method} {path}: {answer.status_code} {answer.text}"
        )
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"


async def test_each_scope_opens_its_endpoints_and_no_others(office: Office) -> None:
    everything = await office.key(*SCOPES)
    nothing = await office.key()
    for method, path, handler in endpoints(office.app):
        permission = handler.opt["permission"]
        if permission is Permission.PUBLIC:
            continue
        more = request_of(handler)
        assert (await nothing.request(method, f"/api/v1{filled(path)}", **more)).status_code == 403, (
            f"{method} {path}"
        )
        answer = await everything.request(method, f"/api/v1{filled(path)}", **more)
        allowed = key_has(frozenset(SCOPES), permission)
        assert (answer.status_code != 403) == allowed, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"


async def test_a_key_cannot_make_itself_more_powerful() -> None:
    assert not {str(Permission.PEOPLE_MANAGE), str(Permission.KEYS_MANAGE), str(Permission.SELF)} & set(
        SCOPES
    )


async def things(office: Office, boss: Person) -> dict[str, UUID]:
    """One of everything that has an id in a path, by the name of the path's parameter."""
    conversation = await office.talk("hello")
    await office.talk("hello too", person="bob")
    made = {
        "agent_id": boss.id,
        "conversation_id": conversation,
        "team_id": (await boss.call("POST", "/teams", json={"name": "One"})).json()["id"],
        "invitation_id": (
            await boss.call("POST", "/invitations", json={"email": "x@example.com", "name": "X"})
        ).json()["id"],
        "key_id": (await boss.call("POST", "/api-keys", json={"name": "k", "scopes": ["search"]})).json()[
            "id"
        ],
        "session_id": (await boss.call("GET", "/sessions")).json()["items"][0]["id"],
    }
    rows = await office.sql("select id, contact_id from conversation order by id")
    made["contact_id"] = rows[0]["contact_id"]
    merged = await boss.call(
        "POST", f"/contacts/{rows[0]['contact_id']}/merge", json={"other_id": str(rows[1]["contact_id"])}
    )
    made["merge_id"] = merged.json()["merge_id"]
    made["message_id"] = (await office.sql("select id from message limit 1"))[0]["id"]
    made["channel_id"] = (await office.sql("select id from channel limit 1"))[0]["id"]
    made["connection_id"] = (await office.sql("select id from connection limit 1"))[0]["id"]
    raw = await office.sql("update raw set error = 'broken' returning id")
    made["letter_id"] = raw[0]["id"]
    return made


async def test_what_belongs_to_another_workspace_is_not_there(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    made = await things(office, boss)
    stranger = await office.person("stranger", "administrator", await office.found("Other"))
    before = await census(office)
    walked = set()
    for method, path, handler in endpoints(office.app):
        names = [part.split("}")[0] for part in path.split("{")[1:]]
        if not names:
            continue
        walked.update(names)
        address = path.removeprefix("/api/v1")
        for name in names:
            address = address.replace(f"{{{name}}}", str(made[name]))
        more = request_of(handler)
        if "json" in more:
            more["json"] = body_for(handler)
        answer = await stranger.call(method, address, **more)
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
    assert walked <= set(made)
    assert await census(office) == before


def body_for(handler: HTTPRouteHandler) -> dict[str, Any]:
    """A body that would do something if the thing were one's own."""
    bodies: dict[str, dict[str, Any]] = {
        "change_agent": {"name": "Mallory"},
        "rename_team": {"name": "Mallory"},
        "write": {"parts": [{"type": "text", "text": "from outside"}]},
        "change": {"tags": ["x"]},
        "assign": {},
        "snooze": {"until": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
        "read": {"position": 1},
        "merge": {"other_id": str(uuid4())},
        "change_connection": {"name": "Mallory"},
        "change_channel": {"name": "Mallory"},
        "edit_channel": {"name": "Mallory"},
        "send_test_message": {"channel_id": str(uuid4()), "address": "1", "text": "from outside"},
        "reply_privately": {"parts": [{"type": "text", "text": "from outside"}]},
    }
    return bodies.get(handler.fn.__name__, {})


async def census(office: Office) -> str:
    """Everything that an intruder might have changed."""
    found = {
        table: [dict(row) for row in await office.sql(f"select * from {table} order by id")]
        for table in (
            "agent",
            "team",
            "conversation",
            "contact",
            "message",
            "connection",
            "channel",
            "api_key",
            "invitation",
        )
    }
    return json.dumps(
        found, default=lambda one: str(bytes(one)) if isinstance(one, msgspec.Raw) else str(one)
    )
