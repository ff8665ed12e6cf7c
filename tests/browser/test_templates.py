"""An approved template chosen from the platform's list: found by a word, filled in place, read before it goes."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Rooms
from tests.browser.house import CHIEF, House

pytestmark = pytest.mark.xdist_group("browser")
MEI = "8613800000021"


@pytest.fixture(scope="module")
def cloud(house: House) -> dict[str, Any]:
    """An account at Alibaba Cloud to which Mei has written."""
    return connected(house, "沙盒商店", [
        {"code": "SMS_11", "name": "验证码", "content": "您的验证码为${code}。", "type": 0},
        {"code": "SMS_12", "name": "发货通知", "content": "${name}您好，订单${order}已发货。", "type": 1},
        {"code": "SMS_13", "name": "等待审核", "content": "${name}", "type": 1, "audit": "AUDIT_STATE_INIT"},
    ])  # fmt: skip


def connected(house: House, name: str, templates: list[dict[str, Any]]) -> dict[str, Any]:
    """An account whose sign, and so its channel, has this name."""
    account = house.sandbox(
        "POST", "/sandbox/platforms/sms_aliyun", settings={"sign": name, "templates": templates}
    )
    config = {key: account["settings"][key] for key in ("access_key_id", "access_key_secret")}
    body = {
        "kind": "sms_aliyun",
        "name": name,
        "config": {**config, "sign_names": account["settings"]["sign"]},
    }
    made = house.chief.post("/connections", json=body).json()
    assert made["status"] == "green", made
    house.sandbox("POST", "/sandbox/platforms/sms_aliyun", id=account["id"], webhook_url=made["webhook_url"])
    return account


def dialog_of(page: Page, name: str = "New conversation") -> Locator:
    return page.get_by_role("dialog", name=name)


def test_a_template_is_found_filled_read_and_sent(rooms: Rooms, house: House, cloud: dict[str, Any]) -> None:
    house.sandbox("POST", "/sandbox/customers", id="mei-sms", name="Mei", phone=MEI)
    play = {"platform": "sms_aliyun", "account": cloud["id"], "customer": "mei-sms"}
    house.sandbox("POST", "/sandbox/play", **play, text="到哪了？")
    agent = rooms.agent(CHIEF).go()
    agent.open(f"+{MEI}")
    agent.page.get_by_role("button", name="Send a template").click()
    dialog = dialog_of(agent.page, "Send a template")
    chooser = dialog.get_by_role("combobox", name="Approved template")
    expect(chooser).to_be_focused()
    expect(agent.page.get_by_text("发货通知")).to_be_visible()
    expect(agent.page.get_by_text("等待审核")).to_have_count(0)
    chooser.press_sequentially("订单")
    expect(agent.page.get_by_text("验证码")).to_have_count(0)
    agent.page.keyboard.press("Enter")
    first = dialog.get_by_role("textbox", name="Value of name")
    expect(first).to_be_focused()
    send = dialog.get_by_role("button", name="Send", exact=True)
    expect(send).to_be_disabled()
    agent.page.keyboard.type("林女士")
    agent.page.keyboard.press("Tab")
    agent.page.keyboard.type("A1024")
    words = "【沙盒商店】林女士您好，订单A1024已发货。"
    expect(dialog.get_by_label("What the customer will read")).to_have_text(words)
    send.click()
    expect(dialog).to_have_count(0)
    expect(agent.timeline.get_by_text(words)).to_be_visible()
    assert [(one["to"], one["text"]) for one in sent(house, agent.page)] == [(f"+{MEI}", words)]


def sent(house: House, page: Page) -> list[dict[str, Any]]:
    """What Alibaba Cloud was given, as soon as there is something."""
    found: list[dict[str, Any]] = []
    for _ in range(50):
        items = house.sandbox("GET", "/sandbox/ledger")["items"]
        found = [one for one in items if one["platform"] == "sms_aliyun"]
        if found:
            break
        page.wait_for_timeout(100)
    return found


def test_without_a_list_the_name_is_typed(rooms: Rooms, house: House, cloud: dict[str, Any]) -> None:
    """Nothing is approved yet; then the keys are taken away, and the platform says so."""
    empty = connected(house, "Empty", [])
    agent = rooms.agent(CHIEF).go()
    agent.jump("New conversation")
    dialog = dialog_of(agent.page)
    dialog.get_by_role("combobox", name="To").fill(f"+{MEI}")
    agent.page.get_by_text(f"Write to +{MEI}").click()
    choose(agent.page, "Empty")
    dialog.get_by_text("Template", exact=True).click()
    expect(dialog.get_by_text("No approved templates yet")).to_be_visible()
    expect(dialog.get_by_role("textbox", name="Name")).to_be_visible()
    house.sandbox(
        "POST", "/sandbox/platforms/sms_aliyun", id=cloud["id"], settings={"access_key_secret": "new"}
    )
    house.sandbox(
        "POST", "/sandbox/platforms/sms_aliyun", id=empty["id"], settings={"access_key_secret": "new"}
    )
    agent.go()
    agent.jump("New conversation")
    dialog.get_by_role("combobox", name="To").fill(f"+{MEI}")
    agent.page.get_by_text(f"Write to +{MEI}").click()
    choose(agent.page, "Empty")
    dialog.get_by_text("Template", exact=True).click()
    expect(dialog.get_by_text("SignatureDoesNotMatch")).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("SMS_12")
    dialog.get_by_role("textbox", name="Language").fill("zh_CN")
    expect(dialog.get_by_role("button", name="Send", exact=True)).to_be_enabled()


def choose(page: Page, channel: str) -> None:
    dialog_of(page).get_by_role("combobox", name="Channel").click()
    page.locator(".ant-select-item-option", has_text=channel).click()
