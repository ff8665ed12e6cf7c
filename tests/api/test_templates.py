"""Approved templates over HTTP: listed as the platform has them, refused in its words, only where it can be asked."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from switchboard.api.app import create
from switchboard.app.config import Settings
from switchboard.app.connecting import Connector
from switchboard.app.runtime import Runtime
from tests.api.conftest import Office

ID = "1400500600700803"
SECRET = "a-secret-that-nobody-may-read"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """Alibaba Cloud's stand-in."""
    with subprocess.Popen([sys.executable, "-m", "switchboard.sandbox"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture
async def runtime(office: Office, sandbox: str, database: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """The office's runtime with Alibaba Cloud at the sandbox."""
    settings = Settings(
        data=tmp_path / "data", outbound_allow=("127.0.0.0/8",), base_urls={"aliyun": sandbox}, pool=3
    )  # fmt: skip
    made = Runtime(settings, database)
    await made.open()
    office.context = msgspec.structs.replace(office.context, connector=Connector(made), sealer=made.sealer)
    office.app = create(office.context)
    yield made
    await made.close()


async def connected(office: Office, sandbox: str) -> dict[str, Any]:
    """The channel of an account that an administrator connected."""
    async with httpx.AsyncClient(base_url=sandbox, trust_env=False) as control:
        account = (await control.post("/sandbox/platforms/sms_aliyun", json={"id": ID})).json()
    known = account["settings"]
    config = {
        "access_key_id": known["access_key_id"],
        "access_key_secret": known["access_key_secret"],
        "sign_names": known["sign"],
    }
    ada = await office.person("ada", "administrator")
    answer = await ada.call(
        "POST",
        "/connections",
        json={"kind": "sms_aliyun", "name": "SMS", "config": config},
        params={"force": True},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_agent_sees_what_the_platform_approved(
    office: Office, runtime: Runtime, sandbox: str
) -> None:
    channel = (await connected(office, sandbox))["channels"][0]
    ben = await office.person("ben")
    answer = await ben.call("GET", f"/channels/{channel['id']}/templates")
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    assert answer.json()["items"][0] == {
        "name": "SMS_24000001",
        "language": "zh_CN",
        "text": "【沙盒商店】您咨询的问题已有答复：{answer}",
        "variables": ["answer"],
        "title": "客服回复",
        "category": "通知",
        "named": False,
    }
    kinds = {kind["kind"]: kind["capabilities"]["out"] for kind in (await ben.call("GET", "/kinds")).json()}
    assert kinds["sms_aliyun"]["lists_templates"] is True
    assert kinds["line"]["lists_templates"] is False


async def test_a_trouble_is_told_in_the_platforms_words(
    office: Office, runtime: Runtime, sandbox: str
) -> None:
    channel = (await connected(office, sandbox))["channels"][0]
    ben = await office.person("ben")
    path = f"/channels/{channel['id']}/templates"
    async with httpx.AsyncClient(base_url=sandbox, trust_env=False) as control:
        await control.post("/sandbox/platforms/sms_aliyun", json={
            "id": ID, "settings": {"access_key_secret": SECRET},
        })  # fmt: skip
    refused = await ben.call("GET", path)
    assert (refused.status_code, refused.json()["code"]) == (422, "platform_refused"), refused.text
    assert "SignatureDoesNotMatch" in refused.json()["detail"]
    assert SECRET not in refused.text
    runtime.settings.base_urls["aliyun"] = "http://127.0.0.1:9"
    away = await ben.call("GET", path)
    assert (away.status_code, away.json()["code"]) == (422, "platform_refused"), away.text
    assert away.json()["detail"]


async def test_only_known_channels_of_kinds_that_list_and_are_on(
    office: Office, runtime: Runtime, sandbox: str
) -> None:
    connection = await connected(office, sandbox)
    ada, ben = await office.person("ada2", "administrator"), await office.person("ben")
    web = (
        await ada.call("POST", "/connections", json={"kind": "web", "name": "W", "config": {"name": "W"}})
    ).json()
    none = await ben.call("GET", f"/channels/{web['channels'][0]['id']}/templates")
    assert (none.status_code, none.json()["code"]) == (409, "not_offered")
    assert (await ben.call("GET", f"/channels/{uuid4()}/templates")).status_code == 404
    assert (
        await ada.call("PATCH", f"/connections/{connection['id']}", json={"disabled": True})
    ).status_code == 200
    off = await ben.call("GET", f"/channels/{connection['channels'][0]['id']}/templates")
    assert (off.status_code, off.json()["detail"]) == (422, "The connection is switched off.")
