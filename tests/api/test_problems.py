"""Errors as problem documents, headers on every answer, and the pages that describe the API."""

from typing import Any

import httpx
import pytest

from switchboard.staff import reads as staff
from tests.api.conftest import Office


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert {"title", "code"} <= set(found)
    assert "Traceback" not in answer.text
    return found


async def test_what_the_framework_refuses_is_a_problem_too(office: Office) -> None:
    ann = await office.person("ann")
    problem(await ann.client.get("/api/v1/nowhere"), 404)
    problem(await ann.client.get("/api/v1/conversations/not-an-id"), 404)
    wrong = await ann.client.put("/api/v1/conversations")
    assert problem(wrong, 405)["code"] == "method_not_allowed"
    assert "GET" in wrong.headers["allow"]
    problem(
        await ann.call("PATCH", "/me", content=b"{not json", headers={"Content-Type": "application/json"}),
        400,
    )
    problem(await ann.call("PATCH", "/me", content=b"name=x", headers={"Content-Type": "text/plain"}), 415)
    problem(await ann.call("PATCH", "/me", json={"settings": {"x": "y" * 1_000_000}}), 413)


async def test_a_problem_names_the_field(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    place = f"/conversations/{await office.talk('hi')}/messages"
    cases: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", "/invitations", {"name": "x"}, "email"),
        ("POST", "/invitations", {"email": "x@example.com", "name": 5}, "name"),
        ("POST", "/invitations", {"email": "x@example.com", "name": "x", "role": "king"}, "role"),
        ("POST", "/teams", {"name": "x", "nmae": "y"}, "nmae"),
        ("POST", place, {"parts": [{"type": "text"}]}, "parts[0].text"),
        (
            "POST",
            place,
            {"parts": [{"type": "location", "latitude": 100, "longitude": 0}]},
            "parts[0].latitude",
        ),
        ("POST", place, {"parts": []}, "parts"),
    ]
    for method, path, body, field in cases:
        found = problem(await boss.call(method, path, json=body), 400)
        assert found["errors"][0]["field"] == field, found
    unfit = problem(await boss.call("POST", "/invitations", json={"email": "nonsense", "name": "x"}), 422)
    assert unfit["errors"][0]["field"] == "email"
    scopes = problem(
        await boss.call("POST", "/api-keys", json={"name": "x", "scopes": ["search", "god"]}), 422
    )
    assert scopes["errors"][0]["field"] == "scopes[1]"


async def test_characters_that_no_database_keeps_are_refused(office: Office) -> None:
    ann = await office.person("ann")
    assert (await ann.call("PATCH", "/me", json={"settings": {"a": "\x00"}})).status_code == 400
    assert (await ann.call("GET", "/conversations", params={"tag": "\x00"})).status_code == 400


async def test_our_own_mistakes_are_not_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await office.person("ann")

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(staff, "agents", broken)
    answer = await ann.call("GET", "/agents")
    problem(answer, 500)
    assert "secret" not in answer.text


async def test_a_database_that_is_away_is_a_503(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await office.person("ann")

    async def gone(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(staff, "agents", gone)
    answer = await ann.call("GET", "/agents")
    assert problem(answer, 503)["code"] == "busy"
    assert answer.headers["Retry-After"] == "1"


async def test_every_answer_carries_security_headers(office: Office) -> None:
    ann = await office.person("ann")
    for path in ("/api/v1/agents", "/api/v1/nowhere", "/openapi.json", "/docs"):
        headers = (await ann.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
    assert (await ann.client.get("/api/v1/agents")).headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in (await ann.client.get("/api/v1/agents")).headers


async def test_the_description_is_whole(office: Office) -> None:
    found = (await office.client().get("/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    for path, item in found["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["operationId"], where
            assert operation["description"], where
            assert any(status.startswith("2") for status in operation["responses"]), where
            for status, answer in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(answer["content"]) == ["application/problem+json"], where
            idempotent = [one["name"] for one in operation.get("parameters", [])].count("Idempotency-Key")
            assert idempotent == (method == "post" and operation["security"] != []), where
    ids = [operation["operationId"] for item in found["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


async def test_the_docs_page_needs_nothing_from_elsewhere(office: Office) -> None:
    answer = await office.client().get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "/api/v1/conversations" in answer.text
    for forbidden in ("<script", "http://", "https://", "@import"):
        assert forbidden not in answer.text
