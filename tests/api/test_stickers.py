"""Stickers over HTTP: sent by the platform's own name, only those it lists; their pictures are fetched by us, once."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from switchboard.api.app import create
from switchboard.app.config import Settings
from switchboard.app.connecting import Connector
from switchboard.app.runtime import Runtime
from switchboard.core.facts import Claim, Sender
from switchboard.core.ids import new_id
from switchboard.ingest import commands as ingest
from tests.api.conftest import Office, Person

KEY = "446:1988"
BASES = ("line", "line_data", "line_stickers")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """LINE's stand-in."""
    with subprocess.Popen([sys.executable, "-m", "switchboard.sandbox"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture
async def runtime(office: Office, sandbox: str, database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """The office's runtime with LINE at the sandbox."""
    settings = Settings(
        data=tmp_path / "data", outbound_allow=("127.0.0.0/8",), base_urls=dict.fromkeys(BASES, sandbox), pool=3
    )  # fmt: skip
    made = Runtime(settings, database)
    await made.open()
    office.context = msgspec.structs.replace(
        office.context, connector=Connector(made), sealer=made.sealer, blobs=made.blobs
    )
    office.app = create(office.context)
    yield made
    await made.close()


@pytest.fixture
async def channel(office: Office, runtime: Runtime, sandbox: str) -> dict[str, Any]:
    """A LINE account that an administrator connected."""
    async with httpx.AsyncClient(base_url=sandbox, trust_env=False) as control:
        account = (await control.post("/sandbox/platforms/line", json={"name": "Shop"})).json()
    config = {name: account["settings"][name] for name in ("channel_secret", "access_token")}
    ada = await office.person("ada", "administrator")
    answer = await ada.call(
        "POST",
        "/connections",
        json={"kind": "line", "name": "LINE", "config": config},
        params={"force": True},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["channels"][0]
    return made


async def heard(office: Office, channel: dict[str, Any]) -> UUID:
    """Ann writes by LINE; return the conversation."""
    pipe = await office.pipe()
    pipe.connections["line"], pipe.channels["line"] = UUID(channel["connection_id"]), UUID(channel["id"])
    ann = Sender([Claim("line:" + channel["external_id"], "Uann")], name="Ann")
    fact = pipe.message("hi", account=channel["external_id"], address="Uann", sender=ann)
    delivery = msgspec.structs.replace(
        pipe.delivery([fact], connection="line"),
        channels={channel["external_id"]: UUID(channel["id"])},
    )
    async with pipe.db.transaction() as tx:
        await ingest.accept(tx, [delivery])
    await pipe.process()
    await pipe.follow()
    return await pipe.case()


async def send(person: Person, conversation: UUID, **part: Any) -> httpx.Response:
    body = {"parts": [{"type": "sticker", **part}]}
    return await person.call("POST", f"/conversations/{conversation}/messages", json=body)


async def bodies(office: Office) -> list[Any]:
    """What waits to be sent."""
    return [msgspec.json.decode(row[0])["parts"] for row in await office.sql("select body from outbound order by id")]  # fmt: skip


async def test_a_listed_sticker_is_sent_and_another_refused_by_name(
    office: Office, channel: dict[str, Any]
) -> None:
    conversation = await heard(office, channel)
    ben = await office.person("ben")
    answer = await send(ben, conversation, key=KEY, emoji="👍")
    assert answer.status_code == 201, answer.text
    (part,) = answer.json()["parts"]
    assert (part["type"], part["key"], part["file"]) == ("sticker", KEY, None)
    assert await bodies(office) == [[{"type": "sticker", "key": KEY, "emoji": "👍"}]]
    refused = await send(ben, conversation, key="1:1")
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_sticker")
    assert "'1:1' (key)" in refused.json()["detail"]
    assert "446, 789" in refused.json()["detail"]
    for wrong in ({}, {"key": ""}, {"key": KEY, "file_id": str(new_id())}):
        assert (await send(ben, conversation, **wrong)).status_code == 400


async def test_a_channel_without_stickers_says_what_it_stands_for(office: Office) -> None:
    conversation = await office.talk("hi")
    ben = await office.person("ben")
    assert (await send(ben, conversation, key=KEY, emoji="👍")).status_code == 201
    assert (await send(ben, conversation, key=KEY)).status_code == 201
    assert await bodies(office) == [
        [{"type": "text", "text": "👍"}],
        [{"type": "text", "text": "[sticker]"}],
    ]


async def test_a_picture_is_fetched_once_and_kept(
    office: Office, runtime: Runtime, channel: dict[str, Any]
) -> None:
    ben = await office.person("ben")
    path = f"/channels/{channel['id']}/sticker"
    first = await ben.call("GET", f"{path}?key={KEY}")
    assert (first.status_code, first.headers["content-type"]) == (200, "image/png"), first.text
    assert first.content.startswith(b"\x89PNG")
    assert "sandbox" in first.headers["content-security-policy"]
    for other in ("1:1", "446:1987", "..%2F..", "446:1988%00"):
        assert (await ben.call("GET", f"{path}?key={other}")).status_code == 404, other
    runtime.settings.base_urls["line_stickers"] = "http://127.0.0.1:9"
    assert (await ben.call("GET", f"{path}?key={KEY}")).content == first.content
    answers = [await ben.call("GET", f"{path}?key=446:1989") for _ in range(2)]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(422, "unfetchable")] * 2
    assert "a moment ago" in answers[1].json()["detail"]


async def test_only_who_may_read_here_sees_pictures(office: Office, channel: dict[str, Any]) -> None:
    path = f"/channels/{channel['id']}/sticker?key={KEY}"
    assert (await office.client().get(f"/api/v1{path}")).status_code == 401
    stranger = await office.person("eve", workspace=await office.found("Other"))
    assert (await stranger.call("GET", path)).status_code == 404
