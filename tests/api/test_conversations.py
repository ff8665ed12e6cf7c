"""Conversations over HTTP: who sees what, who wins a race, how lists are paged."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from PIL import Image

from switchboard.core.ids import new_id
from tests.api.conftest import Office, Person
from tests.api.test_matrix import body_for, endpoints, request_of

WORDS = {"parts": [{"type": "text", "text": "good morning"}]}


async def test_a_message_comes_and_is_answered(office: Office) -> None:
    ann = await office.person("ann")
    conversation = await office.talk("where is my order", "hello?")
    (row,) = (await ann.call("GET", "/conversations")).json()["items"]
    assert (row["id"], row["preview"], row["unread"], row["status"]) == (
        str(conversation),
        "hello?",
        2,
        "new",
    )
    detail = (await ann.call("GET", f"/conversations/{conversation}")).json()
    assert detail["contact_detail"]["name"] == "Alice"
    assert [one["name"] for one in detail["reply_channels"]] == ["main"]
    answer = await ann.call("POST", f"/conversations/{conversation}/messages", json=WORDS)
    assert answer.status_code == 201, answer.text
    message = answer.json()
    assert (message["status"], message["author"]["name"], message["position"]) == ("queued", "Ann", 3)
    page = (await ann.call("GET", f"/conversations/{conversation}/messages")).json()
    assert [one["position"] for one in page["items"]] == [1, 2, 3]
    fresh = (await ann.call("GET", f"/conversations/{conversation}")).json()
    assert (fresh["assignee_id"], fresh["status"], fresh["last_direction"]) == (str(ann.id), "open", "out")
    assert office.announced


async def test_links_contacts_and_products_are_parts_like_others(office: Office) -> None:
    ada = await office.person("ada", "administrator")
    pipe = await office.pipe()
    await pipe.receive(pipe.message("hello"))
    path = f"/conversations/{await pipe.case()}/messages"
    parts: list[dict[str, Any]] = [
        {"type": "link", "url": "https://shop.example/tent", "title": "Tent"},
        {"type": "contact", "name": "Ann", "phones": ["+441632960001"]},
        {"type": "product", "product_id": "T-1", "title": "Tent"},
    ]
    answer = await ada.call("POST", path, json={"parts": parts})
    assert answer.status_code == 201, answer.text
    shown = answer.json()["parts"]
    assert [{name: one[name] for name in given} for one, given in zip(shown, parts, strict=True)] == parts
    refused = await ada.call("POST", path, json={"parts": [{"type": "link", "url": "javascript:alert(1)"}]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "parts[0].url")


async def test_cards_may_hold_pictures_and_nothing_else(office: Office) -> None:
    ann = await office.person("ann")
    conversation = await office.talk("what do you have?")
    path = f"/conversations/{conversation}/messages"
    picture = io.BytesIO()
    Image.new("RGB", (4, 3), "teal").save(picture, "PNG")
    files = {"file": ("tea.png", picture.getvalue(), "image/png")}
    image = (await ann.call("POST", "/files", files=files)).json()["id"]
    words = (await ann.call("POST", "/files", files={"file": ("tea.txt", b"tea", "text/plain")})).json()["id"]
    card = {"title": "Sencha", "text": "9 EUR", "image": image, "buttons": [{"id": "buy", "title": "Buy"}]}
    body = {"parts": [{"type": "cards", "cards": [card, {"title": "Hojicha"}]}]}
    answer = await ann.call("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    (part,) = answer.json()["parts"]
    assert [one["title"] for one in part["cards"]] == ["Sencha", "Hojicha"]
    for wrong in (words, str(new_id())):
        refused = await ann.call(
            "POST", path, json={"parts": [{"type": "cards", "cards": [{"title": "x", "image": wrong}]}]}
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "parts[0].cards[0].image")


async def test_of_two_who_take_one_wins_and_the_other_sees_who(office: Office) -> None:
    people = [await office.person(name) for name in ("ann", "bo")]
    conversation = await office.talk("hi")
    version = (await people[0].call("GET", f"/conversations/{conversation}")).json()["version"]
    path, guard = f"/conversations/{conversation}/take", {"expected_version": version}
    answers = await asyncio.gather(*[one.call("POST", path, json=guard) for one in people])
    assert sorted(one.status_code for one in answers) == [200, 409]
    lost = next(one for one in answers if one.status_code == 409)
    winner = people[[one.status_code for one in answers].index(200)]
    problem = lost.json()
    assert problem["code"] == "conflict"
    assert problem["current"]["assignee_id"] == str(winner.id)
    assert problem["current"]["version"] > version


async def test_a_reply_on_an_old_version_is_refused_and_changes_nothing(office: Office) -> None:
    ann, bo = await office.person("ann"), await office.person("bo")
    conversation = await office.talk("hi")
    place = f"/conversations/{conversation}/messages"
    version = (await ann.call("GET", f"/conversations/{conversation}")).json()["version"]
    assert (await bo.call("POST", place, json={**WORDS, "expected_version": version})).status_code == 201
    lost = await ann.call("POST", place, json={**WORDS, "expected_version": version})
    assert lost.status_code == 409
    current = lost.json()["current"]
    assert current["last_direction"] == "out"
    assert len((await ann.call("GET", place)).json()["items"]) == 2
    again = await ann.call("POST", place, json={**WORDS, "expected_version": current["version"]})
    assert again.status_code == 201


async def test_a_conversation_lives_through_its_states(office: Office) -> None:
    ann, bo = await office.person("ann"), await office.person("bo")
    conversation = await office.talk("hi")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    async def do(verb: str, **body: Any) -> dict[str, Any]:
        answer = await ann.call("POST", f"/conversations/{conversation}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert (await do("take"))["assignee_id"] == str(ann.id)
    assert (await do("pend"))["status"] == "pending"
    assert (await do("snooze", until=until))["snoozed_until"] is not None
    assert (await do("resolve"))["status"] == "resolved"
    assert (await do("reopen"))["assignee_id"] == str(ann.id)
    assert (await do("assign", agent_id=str(bo.id), note="your turn"))["assignee_id"] == str(bo.id)
    assert (await do("read", position=1))["unread"] == 0
    detail = (await bo.call("GET", f"/conversations/{conversation}")).json()
    assert detail["assignments"][-1] | {"at": ""} == {
        "agent_id": str(bo.id),
        "team_id": None,
        "by": "Ann",
        "note": "your turn",
        "at": "",
    }
    change = {"priority": 3, "subject": "Order 7", "tags": ["vip", "refund"]}
    row = (await bo.call("PATCH", f"/conversations/{conversation}", json=change)).json()
    assert (row["priority"], row["subject"], row["tags"]) == (3, "Order 7", ["refund", "vip"])
    past = await ann.call(
        "POST", f"/conversations/{conversation}/snooze", json={"until": "2020-01-01T00:00:00Z"}
    )
    assert (past.status_code, past.json()["errors"][0]["field"]) == (422, "until")


async def team_of(boss: Person, name: str, *members: Person) -> str:
    team: str = (await boss.call("POST", "/teams", json={"name": name})).json()["id"]
    for member in members:
        assert (
            await boss.call("PATCH", f"/agents/{member.id}", json={"team_ids": [team]})
        ).status_code == 200
    return team


async def test_agents_see_their_own_their_teams_and_nobodys(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    ann, bo = await office.person("ann"), await office.person("bo")
    team = await team_of(boss, "Sales", bo)
    hidden = await office.talk("for sales", person="alice")
    shown = await office.talk("for all", person="bob")
    handed = await boss.call("POST", f"/conversations/{hidden}/assign", json={"team_id": team})
    assert handed.status_code == 200
    assert office.main is not None
    await office.main.follow()
    counted = (await ann.call("GET", "/counters")).json()["views"]["all_open"]
    assert counted == 1
    listed = {one["id"] for one in (await ann.call("GET", "/conversations")).json()["items"]}
    assert listed == {str(shown)}
    assert {one["id"] for one in (await bo.call("GET", "/conversations")).json()["items"]} == {
        str(shown),
        str(hidden),
    }
    message = (await office.sql("select id from message where conversation_id = $1", hidden))[0]["id"]
    await refused_everywhere(office, ann, hidden, message)
    contact = (await office.sql("select contact_id from conversation where id = $1", hidden))[0][0]
    assert (await ann.call("GET", f"/contacts/{contact}/timeline")).json()["items"] == []
    assert (await ann.call("GET", f"/contacts/{contact}/conversations")).json()["items"] == []
    mine = (await office.sql("select contact_id from conversation where id = $1", shown))[0][0]
    merged = await ann.call("POST", f"/contacts/{mine}/merge", json={"other_id": str(contact)})
    assert (merged.status_code, merged.json()["code"]) == (403, "not_all_seen")
    assert (await ann.call("GET", "/search", params={"q": "sales"})).json()["messages"] == []
    assert len((await bo.call("GET", f"/contacts/{contact}/timeline")).json()["items"]) == 1
    assert len((await bo.call("GET", "/search", params={"q": "sales"})).json()["messages"]) == 1


async def refused_everywhere(office: Office, who: Person, conversation: UUID, message: UUID) -> None:
    walked = 0
    for method, path, handler in endpoints(office.app):
        if "{conversation_id}" not in path and "{message_id}" not in path:
            continue
        walked += 1
        address = path.removeprefix("/api/v1").replace("{conversation_id}", str(conversation))
        more = request_of(handler)
        if "json" in more:
            more["json"] = body_for(handler)
        answer = await who.call(method, address.replace("{message_id}", str(message)), **more)
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
    assert walked >= 13


async def test_a_list_is_paged_without_gaps_and_doubles_even_among_equals(office: Office) -> None:
    ann = await office.person("ann")
    for nr in range(23):
        await office.talk("hi", person=f"person{nr}")
    found: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await ann.call("GET", "/conversations", params=params)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        assert len(page["items"]) == 5
    assert len(found) == len(set(found)) == 23
    times = {row["id"]: row["last_at"] for row in await office.sql("select id, last_at from conversation")}
    keys = [(times[UUID(one)], one) for one in found]
    assert keys == sorted(keys, reverse=True)
    waiting = (await ann.call("GET", "/conversations", params={"view": "waiting", "limit": 23})).json()[
        "items"
    ]
    assert [one["waiting_since"] for one in waiting] == sorted(one["waiting_since"] for one in waiting)


async def test_a_timeline_is_paged_both_ways(office: Office) -> None:
    ann = await office.person("ann")
    conversation = await office.talk(*[f"line {nr}" for nr in range(1, 12)])
    place = f"/conversations/{conversation}/messages"
    latest = (await ann.call("GET", place, params={"limit": 4})).json()
    assert [one["position"] for one in latest["items"]] == [8, 9, 10, 11]
    older = (await ann.call("GET", place, params={"limit": 4, "before": latest["next"]})).json()
    assert [one["position"] for one in older["items"]] == [4, 5, 6, 7]
    newer = (await ann.call("GET", place, params={"limit": 4, "after": 9})).json()
    assert ([one["position"] for one in newer["items"]], newer["next"]) == ([10, 11], None)


async def test_filters_and_bad_ones(office: Office) -> None:
    ann = await office.person("ann")
    conversation = await office.talk("hi")
    await ann.call("POST", f"/conversations/{conversation}/take", json={})
    assert office.main is not None
    await office.main.follow()

    async def count(**params: Any) -> int:
        return len((await ann.call("GET", "/conversations", params=params)).json()["items"])

    assert await count(view="mine") == 1
    assert await count(assignee="none") == 0
    assert await count(assignee=str(ann.id), status="new,open") == 1
    assert await count(status="resolved") == 0
    assert await count(channel=str(office.main.channels["main"])) == 1
    assert await count(channel=str(new_id())) == 0
    for field, value in (
        ("status", "odd"),
        ("assignee", "odd"),
        ("cursor", "odd"),
        ("team", "odd"),
        ("limit", "0"),
    ):
        answer = await ann.call("GET", "/conversations", params={field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.text


async def test_we_may_write_first(office: Office) -> None:
    ann, bo = await office.person("ann"), await office.person("bo")
    conversation = await office.talk("hi")
    assert office.main is not None
    channel = str(office.main.channels["main"])
    contact = (await office.sql("select contact_id from conversation"))[0][0]
    await ann.call("POST", f"/conversations/{conversation}/resolve", json={})
    await office.sql("update conversation set resolved_at = now() - interval '30 days'")
    started = await ann.call(
        "POST", "/conversations", json={**WORDS, "contact_id": str(contact), "channel_id": channel}
    )
    assert started.status_code == 201, started.text
    assert started.json()["conversation"]["assignee_id"] == str(ann.id)
    assert started.json()["conversation"]["id"] != str(conversation)
    joined = await bo.call(
        "POST", "/conversations", json={**WORDS, "contact_id": str(contact), "channel_id": channel}
    )
    assert joined.json()["conversation"]["id"] == started.json()["conversation"]["id"]
    await office.main.connect("box", kind="email")
    box = str(office.main.channels["box"])
    answer = await ann.call(
        "POST", "/conversations", json={**WORDS, "address": "New@Example.com", "channel_id": box}
    )
    assert answer.status_code == 201, answer.text
    known = (await ann.call("GET", f"/contacts/{answer.json()['conversation']['contact']['id']}")).json()
    assert known["identities"][0] | {"id": ""} == {
        "id": "",
        "space": "email",
        "value": "new@example.com",
        "label": "",
        "verified": False,
    }
    for wrong in (
        {"address": "nonsense", "channel_id": box},
        {"address": "x@example.com", "channel_id": channel},
        {"channel_id": box},
    ):
        assert (await ann.call("POST", "/conversations", json={**WORDS, **wrong})).status_code == 422


async def test_what_a_key_says_is_said_by_a_bot(office: Office) -> None:
    program = await office.key("conversations.write", "conversations.read")
    conversation = await office.talk("hi")
    answer = await program.post(f"/api/v1/conversations/{conversation}/messages", json=WORDS)
    assert (answer.status_code, answer.json()["author"]["kind"]) == (201, "bot")
    resolved = await program.post(f"/api/v1/conversations/{conversation}/resolve")
    assert resolved.json()["status"] == "resolved"
    reopened = (await program.post(f"/api/v1/conversations/{conversation}/reopen")).json()
    assert (reopened["status"], reopened["assignee_id"]) == ("open", None)


async def test_files_are_sent_by_their_id(office: Office) -> None:
    ann = await office.person("ann")
    conversation = await office.talk("hi")
    place = f"/conversations/{conversation}/messages"
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    file = (await ann.call("POST", "/files", files={"file": ("dot.txt", png.getvalue())})).json()
    assert (file["mime"], file["width"]) == ("image/png", 1)
    assert file["url"].startswith(f"/files/{file['id']}/")
    sent = await ann.call(
        "POST", place, json={"parts": [{"type": "image", "file_id": file["id"], "caption": "look"}]}
    )
    assert sent.status_code == 201, sent.text
    assert sent.json()["parts"][0]["file"]["id"] == file["id"]
    for part, field in (
        ({"type": "image", "file_id": str(new_id())}, "parts[0].file_id"),
        ({"type": "video", "file_id": file["id"]}, "parts[0].type"),
    ):
        answer = await ann.call("POST", place, json={"parts": [part]})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    large = await ann.call("POST", "/files", files={"file": ("a.bin", b"x" * 1_000_001)})
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    huge = await ann.call("POST", "/files", files={"file": ("a.bin", b"x" * 1_100_000)})
    assert huge.status_code == 413
    assert (await ann.call("POST", "/files", json={})).status_code == 415
    assert (await ann.call("POST", "/files", files={"other": ("a", b"x")})).status_code == 400


async def test_every_list_goes_on_by_its_cursor(office: Office) -> None:
    """What the documentation says of all lists holds for messages too."""
    ann = await office.person("ann")
    conversation = await office.talk(*(f"m{nr}" for nr in range(5)))
    contact = (await office.sql("select contact_id from conversation where id = $1", conversation))[0][0]
    for path in (f"/conversations/{conversation}/messages", f"/contacts/{contact}/timeline"):
        found: list[str] = []
        cursor: dict[str, Any] = {}
        for _ in range(9):
            page = (await ann.call("GET", path, params={"limit": 2, **cursor})).json()
            found += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert (len(found), len(set(found))) == (5, 5)
