"""The list of a business account's templates: paged, only approved ones, only those that texts can fill."""

from typing import Any

import pytest

from switchboard.channels.api import MOST_TEMPLATES, ApprovedTemplate, Outbound, Reauthorise, Template
from switchboard.channels.contract_io import Answer, ScriptedIo
from switchboard.channels.loopback import LoopbackIo, Sandbox
from switchboard.channels.whatsapp.channel import Config, WhatsAppChannel

NUMBER = "106540352242977"


def connected(sandbox: Sandbox, io: LoopbackIo, **more: str) -> WhatsAppChannel:
    """Return the adapter of a number at the sandbox."""
    made = sandbox.post("/sandbox/whatsapp/numbers", id=NUMBER)
    known = {"access_token": made["token"], **{n: made[n] for n in ("waba_id", "app_secret", "verify_token")}}
    return WhatsAppChannel(Config(**{**known, **more}), io)


async def test_approved_templates_that_texts_can_fill(sandbox: Sandbox, io: LoopbackIo) -> None:
    found = await connected(sandbox, io).list_templates(NUMBER)
    named = {(one.name, one.language): one for one in found}
    assert ("summer_sale", "en") not in named, "not approved yet"
    assert ("spring_sale", "en") not in named, "wants a picture and an address"
    assert named["hello_world", "en_US"] == ApprovedTemplate(
        "hello_world", "en_US", "Hello World\nWelcome! This is a test message from the sandbox.\nSandbox",
        category="UTILITY",
    )  # fmt: skip
    assert named["order_update", "zh_CN"] == ApprovedTemplate(
        "order_update", "zh_CN", "{1}您好，您的订单 {2} 已发货，预计{3}送达。", ["1", "2", "3"], category="UTILITY",
    )  # fmt: skip
    assert ("continue_chat", "en") in named


async def test_what_is_listed_can_be_sent(sandbox: Sandbox, io: LoopbackIo) -> None:
    channel = connected(sandbox, io)
    sandbox.post("/sandbox/customers", id="ann-t", name="Ann", phone="491700000077")
    for listed in await channel.list_templates(NUMBER):
        values = [f"v{name}" for name in listed.variables]
        part = Template(listed.name, listed.language, values, "read")
        await channel.send(Outbound(NUMBER, "+491700000077", [part], f"key-{listed.name}-{listed.language}"))


def row(number: int, *components: Any, **more: Any) -> dict[str, Any]:
    """One template of a page."""
    body = {"type": "BODY", "text": "Hi {{1}}"}
    return {
        "name": f"t{number}",
        "language": "en",
        "status": "APPROVED",
        "components": [body, *components],
        **more,
    }


def scripted(*pages: list[Any]) -> ScriptedIo:
    """Meta with these pages."""
    last = len(pages)
    return ScriptedIo([
        Answer(json={
            "data": page,
            "paging": {"cursors": {"after": f"c{nr}"}, **({} if nr == last else {"next": "https://graph.example/"})},
        })
        for nr, page in enumerate(pages, 1)
    ])  # fmt: skip


async def names(io: ScriptedIo) -> list[str]:
    channel = WhatsAppChannel(Config(waba_id="1", access_token="t", app_secret="s", verify_token="v"), io)
    return [one.name for one in await channel.list_templates("2")]


async def test_all_pages_are_read_up_to_a_bound() -> None:
    io = scripted([row(1), row(2)], [], [row(3)])
    assert await names(io) == ["t1", "t2", "t3"]
    asked = [dict(one.params or {}) for one in io.scripted.requests]
    assert [one.get("after") for one in asked] == [None, "c1", "c2"]
    assert {one["status"] for one in asked} == {"APPROVED"}
    endless = ScriptedIo([
        Answer(json={"data": [row(nr) for nr in range(90)], "paging": {"cursors": {"after": "x"}, "next": "y"}})
    ])  # fmt: skip
    assert len(await names(endless)) == MOST_TEMPLATES
    assert len(endless.scripted.requests) == 6


async def test_what_texts_cannot_fill_and_what_nobody_understands_is_left_out() -> None:
    odd: list[Any] = [
        None,
        5,
        {},
        row(1, status="PAUSED"),
        row(2, components=None),
        row(3, {"type": "CAROUSEL"}),
    ]
    odd += [row(4, {"type": "HEADER", "format": "IMAGE"}), row(5, {"type": "HEADER", "text": "{{1}}"})]
    odd += [row(6, {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://shop.example/{{1}}"}]})]
    odd += [row(7, {"type": "BUTTONS", "buttons": [{"type": "OTP"}]}), row(8, None)]
    odd += [row(9, components=[{"type": "BODY", "text": "Hi {{name}}"}])]
    odd += [row(10, {"type": "HEADER", "format": "TEXT", "text": "Hello"})]
    assert await names(scripted(odd)) == ["t10"]


async def test_a_wrong_token_comes_in_metas_words(sandbox: Sandbox, io: LoopbackIo) -> None:
    with pytest.raises(Reauthorise, match="Cannot parse access token"):
        await connected(sandbox, io, access_token="another").list_templates(NUMBER)
