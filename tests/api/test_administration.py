"""Contacts, keys, teams, audit, dead letters, the workspace: the rest of the contract over HTTP."""

from typing import Any

from switchboard.core.ids import new_id
from tests.api.conftest import Office, Person


async def pages(who: Person, path: str, limit: int = 2) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (
            await who.call("GET", path, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        ).json()
        found += page["items"]
        cursor = page["next"]
        if not cursor:
            return found


async def test_keys_are_told_once_and_end(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    made = (await boss.call("POST", "/api-keys", json={"name": "crm", "scopes": ["contacts.read"]})).json()
    program = office.client(Authorization=f"Bearer {made['token']}")
    assert (await program.get("/api/v1/contacts")).status_code == 200
    assert (await program.get("/api/v1/conversations")).status_code == 403
    (listed,) = (await boss.call("GET", "/api-keys")).json()["items"]
    assert "token" not in listed
    assert listed["last_used_at"] is not None
    assert (await boss.call("DELETE", f"/api-keys/{made['id']}")).status_code == 204
    assert (await program.get("/api/v1/contacts")).status_code == 401


async def test_a_key_is_no_cookie(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    made = (await boss.call("POST", "/api-keys", json={"name": "crm", "scopes": ["contacts.read"]})).json()
    answer = await office.client().get(
        "/api/v1/contacts", headers={"Cookie": f"switchboard_session={made['token']}"}
    )
    assert answer.status_code == 401


async def test_teams_and_capacity(office: Office) -> None:
    boss, ann = await office.person("boss", "administrator"), await office.person("ann")
    team = (await boss.call("POST", "/teams", json={"name": "Sales"})).json()
    assert (await boss.call("POST", "/teams", json={"name": "Sales"})).status_code == 409
    changed = await boss.call(
        "PATCH", f"/agents/{ann.id}", json={"team_ids": [team["id"]], "capacity": 3, "role": "supervisor"}
    )
    body = changed.json()
    assert (body["team_ids"], body["presence"]["capacity"], body["role"]) == ([team["id"]], 3, "supervisor")
    assert (await boss.call("PATCH", f"/teams/{team['id']}", json={"name": "Sale"})).json()["member_ids"] == [
        str(ann.id)
    ]
    assert (
        await boss.call("PATCH", f"/agents/{ann.id}", json={"team_ids": [str(new_id())]})
    ).status_code == 422
    conversation = await office.talk("hi")
    await boss.call("POST", f"/conversations/{conversation}/assign", json={"team_id": team["id"]})
    assert (await boss.call("DELETE", f"/teams/{team['id']}")).json()["code"] == "in_use"
    await boss.call("POST", f"/conversations/{conversation}/resolve", json={})
    assert (await boss.call("DELETE", f"/teams/{team['id']}")).status_code == 204
    assert (await boss.call("GET", "/teams")).json()["items"] == []


async def test_what_administrators_do_is_written_down(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    for name in ("One", "Two", "Three"):
        await boss.call("POST", "/teams", json={"name": name})
    entries = await pages(boss, "/audit")
    assert [one["action"] for one in entries] == ["team.created"] * 3 + ["session.begun"]
    assert {one["actor_name"] for one in entries} == {"Boss"}
    assert entries[0]["detail"] == {"name": "Three"}
    refused = await boss.call("POST", "/teams", json={"name": "One"})
    assert refused.status_code == 409
    assert len(await pages(boss, "/audit")) == 4


async def test_the_workspace_is_changed_by_its_administrator(office: Office) -> None:
    boss, ann = await office.person("boss", "administrator"), await office.person("ann")
    change = {"name": "Acme Ltd", "time_zone": "Europe/Berlin", "settings": {"reopen_hours": 4}}
    assert (await boss.call("PATCH", "/workspace", json=change)).json()["settings"] == {"reopen_hours": 4}
    assert (await ann.call("GET", "/workspace")).json()["name"] == "Acme Ltd"
    wrong = await boss.call("PATCH", "/workspace", json={"time_zone": "Mars/Olympus"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "time_zone")


async def test_contacts_are_kept_found_and_merged(office: Office) -> None:
    ann = await office.person("ann")
    await office.talk("hi", person="alice")
    typed = {"name": "Alicia 王小明", "identities": [{"space": "phone", "value": "+86 138-0013-8000"}]}
    made = (await ann.call("POST", "/contacts", json=typed)).json()
    assert made["identities"][0]["value"] == "+8613800138000"
    assert (await ann.call("POST", "/contacts", json=typed)).status_code == 409
    edit = {"notes": "likes tea", "tags": ["vip"], "attributes": {"city": "Wuhan"}, "level": "gold"}
    edited = (await ann.call("PATCH", f"/contacts/{made['id']}", json=edit)).json()
    assert {key: edited[key] for key in edit} == edit
    assert len(await pages(ann, "/contacts", 1)) == 2
    assert office.main is not None
    await office.main.follow()
    (hit,) = (await ann.call("GET", "/contacts", params={"q": "小明"})).json()["items"]
    assert hit["id"] == made["id"]
    alice = (await office.sql("select contact_id from conversation"))[0][0]
    merged = (await ann.call("POST", f"/contacts/{alice}/merge", json={"other_id": made["id"]})).json()
    assert merged["contact"]["notes"] == "likes tea"
    assert (await ann.call("GET", f"/contacts/{made['id']}")).json()["id"] == str(alice)
    assert (
        await ann.call("POST", f"/contacts/{alice}/merge", json={"other_id": made["id"]})
    ).status_code == 409
    parted = (await ann.call("POST", f"/merges/{merged['merge_id']}/undo", json={})).json()
    assert parted["restored"]["id"] == made["id"]
    assert (await ann.call("GET", f"/contacts/{made['id']}")).json()["id"] == made["id"]
    assert (await ann.call("POST", f"/merges/{merged['merge_id']}/undo", json={})).status_code == 404


async def test_whoever_gave_the_same_address_is_suggested(office: Office) -> None:
    ann = await office.person("ann")
    await office.talk("hi", person="alice")
    alice = (await office.sql("select contact_id from conversation"))[0][0]
    await office.sql(
        "insert into identity (workspace_id, id, contact_id, space, value) "
        "values ($1, $2, $3, 'email', 'a@example.com')",
        office.workspace,
        new_id(),
        alice,
    )
    typed = {"name": "A.", "identities": [{"space": "email", "value": "A@example.com"}]}
    made = (await ann.call("POST", "/contacts", json=typed)).json()
    (one,) = (await ann.call("GET", f"/contacts/{made['id']}/suggestions")).json()["items"]
    assert (one["contact"]["id"], one["because"]) == (
        str(alice),
        {"space": "email", "value": "a@example.com"},
    )


async def test_search_finds_two_chinese_characters_and_pages(office: Office) -> None:
    ann = await office.person("ann")
    await office.talk(*[f"我要退款 {nr}" for nr in range(5)])
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"q": "退款", "in": "messages", "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = (await ann.call("GET", "/search", params=params)).json()
        found += answer["messages"]
        cursor = answer["next"]
    assert len(found) == len({one["message_id"] for one in found}) == 5
    mark = found[0]["marks"][0]
    assert found[0]["snippet"][mark["start"] : mark["end"]] == "退款"
    assert (await ann.call("GET", "/search", params={"q": "退款", "in": "contacts"})).json()["messages"] == []
    later = await ann.call("GET", "/search", params={"q": "退款", "from": "2190-01-01T00:00:00Z"})
    assert later.json()["messages"] == []


async def test_dead_letters_are_read_replayed_and_discarded(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    await office.talk("hi")
    assert office.main is not None
    await office.main.accept(office.main.message("lost"))
    await office.sql("update fact set parked_at = now(), error = 'it broke'")
    raw = (
        await office.sql(
            "update raw set error = 'not JSON', body = '\\x7b22' "
            "where id = (select min(id::text)::uuid from raw) returning id"
        )
    )[0][0]
    letters = await pages(boss, "/dead-letters", 1)
    assert [(one["state"], one["error"], one["channel_name"], one["kind"]) for one in letters] == [
        ("parked", "it broke", "main", "custom"),
        ("unreadable", "not JSON", "main", "custom"),
    ]
    whole = (await boss.call("GET", f"/dead-letters/{raw}")).json()
    assert whole["body"] == '{"'
    assert (await boss.call("POST", f"/dead-letters/{letters[0]['id']}/replay", json={})).status_code == 204
    await office.main.process()
    assert (await office.sql("select count(*) from message"))[0][0] == 2
    unopened = await boss.call("POST", f"/dead-letters/{raw}/replay", json={})
    assert (unopened.status_code, unopened.json()["code"]) == (409, "unreadable")
    assert (await boss.call("DELETE", f"/dead-letters/{raw}")).status_code == 204
    assert (await boss.call("DELETE", f"/dead-letters/{raw}")).status_code == 404
    assert (await boss.call("GET", "/dead-letters")).json()["items"] == []
