"""A repeated request is carried out once, however it is repeated."""

import asyncio
from typing import Any

import httpx

from tests.api.conftest import Office, Person

KEY = {"Idempotency-Key": "6f9c1f5e-message-1"}


def body(words: str = "good morning") -> dict[str, Any]:
    return {"parts": [{"type": "text", "text": words}]}


async def said(office: Office) -> int:
    return int((await office.sql("select count(*) from message where direction = 'out'"))[0][0])


async def test_the_same_request_gets_the_same_answer_once(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    first = await ann.call("POST", place, json=body(), headers=KEY)
    again = await ann.call("POST", place, json=body(), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await said(office) == 1


async def test_another_body_under_the_same_key_is_refused(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    await ann.call("POST", place, json=body(), headers=KEY)
    answer = await ann.call("POST", place, json=body("something else"), headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert await said(office) == 1


async def test_requests_at_the_same_time_are_carried_out_once(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    answers = await asyncio.gather(*[ann.call("POST", place, json=body(), headers=KEY) for _ in range(6)])
    good = [one for one in answers if one.status_code == 201]
    busy = [one for one in answers if one.status_code == 409]
    assert len(good) + len(busy) == 6
    assert len({one.content for one in good}) == 1
    assert all(one.json()["code"] == "in_progress" for one in busy)
    assert await said(office) == 1


async def test_while_a_request_is_carried_out_another_is_told_so(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    async with office.context.db.connection() as other, other.transaction():
        await other.execute("select id from conversation for update")
        slow = asyncio.create_task(ann.call("POST", place, json=body(), headers=KEY))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if await office.sql("select 1 from pg_locks where locktype = 'advisory' and granted"):
                break
        answer = await ann.call("POST", place, json=body(), headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert (await slow).status_code == 201
    assert await said(office) == 1


async def test_a_refused_request_may_be_sent_again_under_its_key(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    stale = {**body(), "expected_version": 0}
    assert (await ann.call("POST", place, json=stale, headers=KEY)).status_code == 409
    assert (await ann.call("POST", place, json=body(), headers=KEY)).status_code == 201


async def test_a_key_is_its_owners_own(office: Office) -> None:
    ann, bo = await office.person("ann"), await office.person("bo")
    place = f"/conversations/{await office.talk('hi')}/messages"
    assert (await ann.call("POST", place, json=body("ann"), headers=KEY)).status_code == 201
    assert (await bo.call("POST", place, json=body("bo"), headers=KEY)).status_code == 201
    assert await said(office) == 2


async def test_kept_answers_are_sealed(office: Office) -> None:
    boss = await office.person("boss", "administrator")
    made = await boss.call("POST", "/api-keys", json={"name": "k", "scopes": ["search"]}, headers=KEY)
    token = made.json()["token"]
    kept = await office.sql("select answer from request_key")
    assert token.encode() not in bytes(kept[0][0])
    again = await boss.call("POST", "/api-keys", json={"name": "k", "scopes": ["search"]}, headers=KEY)
    assert again.json()["token"] == token


async def upload(who: Person, content: bytes, boundary: str) -> httpx.Response:
    form = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n"
    ).encode()
    headers = {**KEY, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return await who.call(
        "POST", "/files", content=form + content + f"\r\n--{boundary}--\r\n".encode(), headers=headers
    )


async def test_an_upload_is_the_same_whatever_its_boundary(office: Office) -> None:
    ann = await office.person("ann")
    first, again = await upload(ann, b"hello", "one"), await upload(ann, b"hello", "two")
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    assert (await upload(ann, b"other", "three")).status_code == 422
    assert (await office.sql("select count(*) from file"))[0][0] == 1


async def test_a_key_that_cannot_be_one_is_refused(office: Office) -> None:
    ann, place = await office.person("ann"), f"/conversations/{await office.talk('hi')}/messages"
    answer = await ann.call("POST", place, json=body(), headers={"Idempotency-Key": "x" * 201})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
