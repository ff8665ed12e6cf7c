"""Signing in and out over HTTP."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from switchboard.staff import passwords
from tests.api.conftest import ADDRESS, PASSWORD, Office

WRONG = "not the password"
HOLD = "update sign_in_failure set until = now() + interval '1 minute' where failures >= 5"
"""The first waits are of a second or two; a slow machine would sit them out."""


async def test_a_browser_signs_in_and_out(office: Office) -> None:
    await office.hire("ann", "administrator")
    client = office.client()
    answer = await office.sign_in("ann", client=client)
    assert answer.status_code == 201, answer.text
    assert "token" not in answer.json()
    cookies = answer.headers.get_list("set-cookie")
    cookie = next(one for one in cookies if one.startswith("switchboard_session="))
    assert {"HttpOnly", "SameSite=lax", "Secure"} <= {part.strip() for part in cookie.split(";")}
    me = (await client.get("/api/v1/sessions/current")).json()["me"]
    assert me["agent"]["email"] == "ann@example.com"
    assert "people.manage" in me["permissions"]
    token = cookie.split("=", 1)[1].split(";")[0]
    gone = await client.delete("/api/v1/sessions/current", headers={"X-CSRF-Token": answer.json()["csrf"]})
    assert gone.status_code == 204
    again = await office.client().get(
        "/api/v1/sessions/current", headers={"Cookie": f"switchboard_session={token}"}
    )
    assert again.status_code == 401


async def test_a_program_gets_a_token_and_needs_no_csrf_header(office: Office) -> None:
    await office.hire("ann", "agent")
    answer = await office.client().post(
        "/api/v1/sessions", json={"email": "Ann@Example.com ", "password": PASSWORD}
    )
    token = answer.json()["token"]
    program = office.client(Authorization=f"Bearer {token}")
    assert (await program.put("/api/v1/presence", json={"status": "online"})).json()["status"] == "online"
    kept = await office.sql("select token_hash from session")
    assert token.encode() not in bytes(kept[0][0])


async def test_a_cookie_alone_changes_nothing(office: Office) -> None:
    ann = await office.person("ann")
    for header in ({}, {"X-CSRF-Token": "guess"}):
        answer = await ann.client.put("/api/v1/presence", json={"status": "online"}, headers=header)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert (await ann.call("PUT", "/presence", json={"status": "online"})).status_code == 200


async def test_wrong_address_and_wrong_password_look_the_same(office: Office) -> None:
    await office.hire("ann", "agent")
    answers = [await office.sign_in("ann", password=WRONG), await office.sign_in("nobody", password=WRONG)]
    assert answers[0].status_code == 401
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "wrong_credentials"


async def test_guesses_are_throttled_before_the_password_is_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hire("ann", "agent")
    looked = []
    verify = passwords.matches

    async def count(kept: str, password: str) -> bool:
        looked.append(password)
        return await verify(kept, password)

    monkeypatch.setattr(passwords, "matches", count)
    answers = await asyncio.gather(
        *[office.sign_in("ann", password=WRONG, client=office.client(f"198.51.100.{nr}")) for nr in range(12)]
    )
    refused = [one for one in answers if one.status_code == 429]
    assert len(looked) < len(answers)
    assert len(refused) == len(answers) - len(looked)
    assert refused[0].json()["code"] == "too_many_attempts"
    assert int(refused[0].headers["Retry-After"]) >= 1
    # The right password from a strange address waits as well: else guessing would not be slowed down.
    await office.sql(HOLD)
    assert (await office.sign_in("ann", client=office.client("198.51.100.99"))).status_code == 429


async def test_guesses_at_many_accounts_from_one_address_are_throttled(office: Office) -> None:
    client = office.client("198.51.100.7")
    statuses = [
        (await office.sign_in(f"nobody{nr}", password=WRONG, client=client)).status_code for nr in range(20)
    ]
    assert statuses == [401] * 20
    await office.sql(HOLD)
    assert (await office.sign_in("nobody20", password=WRONG, client=client)).status_code == 429


async def test_the_owner_is_not_locked_out_by_strangers(office: Office) -> None:
    await office.hire("ann", "agent")
    home = office.client("203.0.113.5")
    assert (await office.sign_in("ann", client=home)).status_code == 201
    for nr in range(9):
        await office.sign_in("ann", password=WRONG, client=office.client(f"198.51.100.{nr}"))
    await office.sql(HOLD)
    assert (await office.sign_in("ann", client=office.client("198.51.100.50"))).status_code == 429
    # The same browser elsewhere, and another browser at the same address.
    device = home.cookies["switchboard_device"]
    travelling = office.client("198.51.100.60")
    travelling.cookies.set("switchboard_device", device, domain="desk.example", path="/api/v1")
    assert (await office.sign_in("ann", client=travelling)).status_code == 201
    assert (await office.sign_in("ann", client=office.client("203.0.113.5"))).status_code == 201


async def test_a_known_device_is_throttled_by_itself(office: Office) -> None:
    await office.hire("ann", "agent")
    home = office.client("203.0.113.5")
    await office.sign_in("ann", client=home)
    statuses = [(await office.sign_in("ann", password=WRONG, client=home)).status_code for _ in range(10)]
    assert statuses == [401] * 10
    await office.sql(HOLD)
    assert (await office.sign_in("ann", client=home)).status_code == 429
    assert (await office.sign_in("ann", client=office.client("198.51.100.50"))).status_code == 201


async def test_sessions_are_listed_and_ended_one_by_one(office: Office) -> None:
    ann = await office.person("ann")
    other = office.client("203.0.113.9", **{"User-Agent": "Old phone"})
    await office.sign_in("ann", client=other)
    listed = (await ann.call("GET", "/sessions")).json()["items"]
    assert {(one["user_agent"] == "Old phone", one["current"]) for one in listed} == {
        (True, False),
        (False, True),
    }
    stolen = next(one["id"] for one in listed if not one["current"])
    assert (await ann.call("DELETE", f"/sessions/{stolen}")).status_code == 204
    assert (await other.get("/api/v1/sessions/current")).status_code == 401
    assert (await ann.call("DELETE", f"/sessions/{stolen}")).status_code == 404


async def test_a_session_lives_on_with_use_and_dies_without(office: Office) -> None:
    ann = await office.person("ann")
    await office.sql(
        "update session set last_seen_at = now() - interval '1 hour', expires_at = now() + interval '1 hour'"
    )
    assert (await ann.call("GET", "/sessions/current")).status_code == 200
    left = (await office.sql("select expires_at - now() from session"))[0][0]
    assert left > timedelta(days=13)
    await office.sql("update session set expires_at = now() - interval '1 second'")
    assert (await ann.call("GET", "/sessions/current")).status_code == 401


async def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    ann, other = await office.person("ann"), office.client()
    await office.sign_in("ann", client=other)
    body = {"current": WRONG, "new": "another horse battery"}
    answer = await ann.call("POST", "/me/password", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "current")
    assert (
        await ann.call("POST", "/me/password", json={**body, "current": PASSWORD, "new": "short"})
    ).status_code == 422
    assert (await ann.call("POST", "/me/password", json={**body, "current": PASSWORD})).status_code == 204
    assert (await ann.call("GET", "/sessions/current")).status_code == 200
    assert (await other.get("/api/v1/sessions/current")).status_code == 401
    assert (await office.sign_in("ann")).status_code == 401
    assert (await office.sign_in("ann", password=body["new"])).status_code == 201


async def test_one_changes_oneself(office: Office) -> None:
    ann = await office.person("ann")
    change = {"name": "Anna", "theme": "dark", "locale": "en", "settings": {"sound": False}}
    me = (await ann.call("PATCH", "/me", json=change)).json()["agent"]
    assert (me["name"], me["theme"], me["locale"], me["settings"]) == ("Anna", "dark", "en", {"sound": False})
    answer = await ann.call("PATCH", "/me", json={"theme": "pink"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "theme")


async def test_an_invitation_is_accepted_once(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    team = (await boss.call("POST", "/teams", json={"name": "After-sale"})).json()["id"]
    form = {"email": "New@Example.com", "name": "Newman", "role": "supervisor", "team_ids": [team]}
    made = (await boss.call("POST", "/invitations", json=form)).json()
    assert made["link"].startswith(f"{ADDRESS}/invitations/accept?token=")
    token = made["link"].rsplit("=", 1)[1]
    assert (await boss.call("GET", "/invitations")).json()["items"][0]["link"] == ""
    found = (await office.client().get("/api/v1/invitations/lookup", params={"token": token})).json()
    assert found == {"email": "new@example.com", "name": "Newman", "workspace_name": "Acme"}
    accept = {"token": token, "name": "Neo", "password": "a fine password"}
    answers = await asyncio.gather(
        *[office.client().post("/api/v1/invitations/accept", json=accept) for _ in range(3)]
    )
    assert min(one.status_code for one in answers) == 201
    assert [one.status_code for one in answers].count(201) == 1
    me = next(one for one in answers if one.status_code == 201).json()["me"]["agent"]
    assert (me["name"], me["role"], me["team_ids"]) == ("Neo", "supervisor", [team])
    assert (await office.client().post("/api/v1/invitations/accept", json=accept)).status_code == 404
    assert (await boss.call("POST", "/invitations", json=form)).status_code == 409


async def test_an_account_of_another_workspace_needs_its_password(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    other = await office.found("Other")
    await office.hire("ann", "administrator", other)
    made = (await boss.call("POST", "/invitations", json={"email": "ann@example.com", "name": "Ann"})).json()
    accept = {"token": made["link"].rsplit("=", 1)[1], "name": "Ann", "password": "stolen by the inviter"}
    answer = await office.client().post("/api/v1/invitations/accept", json=accept)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    answer = await office.client().post("/api/v1/invitations/accept", json={**accept, "password": PASSWORD})
    assert answer.status_code == 201
    me = answer.json()["me"]
    assert {one["name"] for one in me["workspaces"]} == {"Acme", "Other"}
    there = await office.sign_in("ann", workspace_id=str(other))
    assert there.json()["me"]["workspace"]["name"] == "Other"
    assert (await office.sign_in("ann", workspace_id=str(UUID(int=7)))).status_code == 401


async def test_who_is_let_go_is_out_at_once(office: Office) -> None:
    boss, ann = await office.person("boss", "administrator"), await office.person("ann")
    conversation = await office.talk("hello")
    assert (await ann.call("POST", f"/conversations/{conversation}/take", json={})).status_code == 200
    assert (await boss.call("PATCH", f"/agents/{ann.id}", json={"disabled": True})).json()["disabled"]
    assert (await ann.call("GET", "/sessions/current")).status_code == 401
    assert (await office.sign_in("ann")).status_code == 401
    row = (await boss.call("GET", f"/conversations/{conversation}")).json()
    assert row["assignee_id"] is None


async def test_the_last_administrator_stays(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    for change in ({"role": "agent"}, {"disabled": True}):
        answer = await boss.call("PATCH", f"/agents/{boss.id}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    second = await office.person("second", "administrator")
    demote = {"role": "agent"}
    answers = await asyncio.gather(
        boss.call("PATCH", f"/agents/{second.id}", json=demote),
        second.call("PATCH", f"/agents/{boss.id}", json=demote),
    )
    assert min(one.status_code for one in answers) == 200
    assert [one.status_code for one in answers].count(200) == 1
