"""Tencent Cloud's list of templates, at the sandbox over real HTTP: home and abroad, paged, only what was approved."""

from typing import Any

import pytest

from switchboard.channels.api import MOST_TEMPLATES, ApprovedTemplate, Outbound, Reauthorise, Template
from switchboard.channels.loopback import Door, LoopbackIo, Sandbox
from switchboard.channels.sms_tencent.channel import TencentChannel, TencentConfig

APP, MEI, ANN = "1400006677", "+8613800000031", "+85251000031"
HOME = {"id": "1", "name": "验证码", "content": "{2}分钟内有效，验证码{1}，{2}分钟。", "international": 0}
ABROAD = {"id": "2", "name": "Order", "content": "Your order {1} is on its way.", "international": 1}


class Cloud:
    """An application at Tencent Cloud whose templates a test chooses."""

    def __init__(self, sandbox: Sandbox, door: Door, io: LoopbackIo) -> None:
        self._sandbox, self._door, self._io = sandbox, door, io

    def set(self, templates: list[dict[str, Any]], **config: str) -> TencentChannel:
        """Return the adapter of the application with these templates."""
        made = self._sandbox.post(
            "/sandbox/platforms/sms_tencent",
            id=APP,
            webhook_url=self._door.url,
            settings={"templates": templates},
        )
        known = {name: made["settings"][name] for name in ("secret_id", "secret_key", "sdk_app_id")}
        return TencentChannel(
            TencentConfig(**{**known, "sign_name": made["settings"]["sign"], **config}), self._io
        )


@pytest.fixture
def cloud(sandbox: Sandbox, door: Door, io: LoopbackIo) -> Cloud:
    return Cloud(sandbox, door, io)


async def test_only_approved_templates_of_home_and_abroad_are_listed(cloud: Cloud) -> None:
    waiting, refused = {**HOME, "id": "3", "status": 1}, {**ABROAD, "id": "4", "status": -1}
    found = await cloud.set([waiting, ABROAD, refused, HOME]).list_templates(APP)
    assert [one.name for one in found] == ["1", "2"]
    home, abroad = found
    assert home.text.startswith("【")
    assert home.text.endswith("】{2}分钟内有效，验证码{1}，{2}分钟。")
    assert (home.variables, home.language, home.category) == (["1", "2"], "zh_CN", "")
    assert abroad == ApprovedTemplate(
        "2", "en", "Your order {1} is on its way.", ["1"], "Order", "国际/港澳台"
    )


async def test_all_pages_are_read_up_to_a_bound(cloud: Cloud) -> None:
    for home, abroad in ((0, 0), (99, 1), (100, 101), (330, 330), (620, 5)):
        made = [{**HOME, "id": str(1000 + nr)} for nr in range(home)]
        made += [{**ABROAD, "id": str(5000 + nr)} for nr in range(abroad)]
        found = [one.name for one in await cloud.set(made).list_templates(APP)]
        assert found == [one["id"] for one in made][:MOST_TEMPLATES], (home, abroad)


async def test_what_is_listed_can_be_sent_as_it_reads(cloud: Cloud, sandbox: Sandbox) -> None:
    for name, number in (("mei-t", MEI), ("ann-t", ANN)):
        sandbox.post("/sandbox/customers", id=name, name=name, phone=number.strip("+"))
    channel = cloud.set([HOME, ABROAD])
    for number, listed in zip((MEI, ANN), await channel.list_templates(APP), strict=True):
        values = {"1": "A1", "2": "5"}
        part = Template(listed.name, listed.language, [values[name] for name in listed.variables], "read")
        await channel.send(
            Outbound(APP, number, [part], f"0190a1b2-0000-7000-8000-00000000000{listed.name}-0")
        )
        words = listed.text.replace("{1}", "A1").replace("{2}", "5")
        assert sandbox.ledger()[-1]["text"] == words


async def test_troubles_come_in_tencents_words(cloud: Cloud) -> None:
    with pytest.raises(Reauthorise, match="check your signature is correct"):
        await cloud.set([HOME], secret_key="another-key").list_templates(APP)
