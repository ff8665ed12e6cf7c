"""Other channels: WhatsApp with its receipts, connecting one by the form, writing first."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Rooms
from tests.browser.house import CHIEF, House

pytestmark = pytest.mark.xdist_group("browser")


def test_a_whatsapp_customer_is_answered_and_receipts_rise(rooms: Rooms, house: House) -> None:
    house.sandbox("POST", "/sandbox/customers", id="mia", name="Mia Costa", phone="351900000001")
    agent = rooms.agent(CHIEF).go()
    house.play(customer="mia", type="text", text="Do you ship to Lisbon?")
    agent.open("Mia Costa")
    expect(agent.said("Do you ship to Lisbon?")).to_have_count(1)
    agent.answer("Within three days.")
    mine = agent.said("Within three days.")
    expect(mine.get_by_label("Delivered", exact=True)).to_be_visible()
    house.play(customer="mia", action="read")
    expect(mine.get_by_label("Read", exact=True)).to_be_visible()


def test_an_administrator_connects_a_channel_and_reads_why_not(rooms: Rooms, house: House) -> None:
    link = house.sandbox("POST", "/sandbox/custom", id="till", name="Till")
    page = rooms.agent(CHIEF).go("/admin/channels/new/custom").page
    # While it works, the button is called "loading Connect".
    connect = page.get_by_role("button", name=re.compile("Connect$"))
    page.get_by_label("System id").fill("till")
    page.get_by_label("Address for answers").fill("http://127.0.0.1:9/in")
    connect.click()
    expect(page.get_by_role("alert").first).to_contain_text("private or reserved")
    page.get_by_label("Address for answers").fill(str(link["send_url"]))
    connect.click()
    expect(page.get_by_role("alert").filter(has_text="Not saved")).to_contain_text("signature does not fit")
    page.get_by_label(re.compile("^Signing secret")).fill(str(link["secret"]))
    connect.click()
    expect(page.get_by_text("Webhook address (enter it at the platform)")).to_be_visible()
    page.get_by_role("tab", name="Accounts").click()
    page.get_by_role("button", name="Change the automatic answer").click()
    page.get_by_role("textbox", name="Automatic answer").fill("Thank you, we answer soon.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("cell", name="Thank you, we answer soon.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("cell", name="Thank you, we answer soon.")).to_be_visible()


def test_an_agent_writes_first_with_a_template(rooms: Rooms, house: House) -> None:
    agent = rooms.agent(CHIEF).go()
    agent.jump("New conversation")
    dialog = agent.page.get_by_role("dialog", name="New conversation")
    dialog.get_by_role("combobox", name="To").fill("+351 900 000 002")
    agent.page.get_by_text("Write to +351 900 000 002").click()
    expect(dialog.get_by_text("+351 900 000 002").last).to_be_visible()
    dialog.get_by_text("template", exact=False).first.click()
    dialog.get_by_role("button", name="Type the name instead").click()
    dialog.get_by_role("textbox", name="Name").fill("hello_world")
    dialog.get_by_role("textbox", name="Language").fill("en_US")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)
    sent = agent.timeline.locator("[data-position]").filter(has_text="hello_world")
    expect(sent.get_by_label(re.compile("^(Sent|Delivered)$"))).to_be_visible()
    last = house.sandbox("GET", "/sandbox/ledger")["items"][-1]
    assert (last["to"], last["kind"]) == ("351900000002", "template")


def test_a_comment_is_answered_below_the_post_and_in_private(rooms: Rooms, house: House) -> None:
    """The post stands above its comments; the private answer begins a conversation of its own."""
    house.sandbox("POST", "/sandbox/customers", id="zoe", name="Zoe Duarte")
    shop = house.sandbox("POST", "/sandbox/platforms/messenger", name="Harbour Shop")
    config = {
        name: shop["settings"][name] for name in ("access_token", "app_secret", "verify_token", "app_id")
    }
    made = house.chief.post(
        "/connections", json={"kind": "messenger", "name": "Shop", "config": config}
    ).json()
    assert made["status"] == "green", made
    play = {"platform": "messenger", "account": shop["id"], "customer": "zoe"}
    house.sandbox("POST", "/sandbox/play", **play, type="comment", text="Is it warm enough for March?")
    agent = rooms.agent(CHIEF).go()
    agent.open("Our new rain jacket is here")
    post = agent.page.get_by_role("region", name="The post")
    expect(post).to_contain_text("Our new rain jacket is here. What do you think?")
    agent.answer("It is, over a jumper.")
    expect(agent.said("It is, over a jumper.").get_by_label(re.compile("^(Sent|Delivered)$"))).to_be_visible()
    asked = agent.said("Is it warm enough for March?")
    asked.hover()
    asked.get_by_role("button", name="Answer in private").click()
    dialog = agent.page.get_by_role("dialog", name="Answer Zoe Duarte in private")
    dialog.get_by_role("textbox").fill("We have your size, shall I keep one?")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)
    mine = agent.said("We have your size, shall I keep one?")
    expect(mine.get_by_label(re.compile("^(Sent|Delivered)$"))).to_be_visible()
    expect(agent.page.get_by_role("region", name="The post")).to_have_count(0)
    sent = [one for one in house.sandbox("GET", "/sandbox/ledger")["items"] if one["platform"] == "messenger"]
    assert [one["text"] for one in sent] == ["It is, over a jumper.", "We have your size, shall I keep one?"]
    house.sandbox("POST", "/sandbox/play", **play, text="Yes please!")
    expect(agent.said("Yes please!")).to_be_visible()


def test_an_administrator_sees_how_a_channel_does_and_is_told_when_it_breaks(
    rooms: Rooms, house: House
) -> None:
    """Checklist, test message, then a revoked token: the bell rings until the connection works again."""
    link = house.sandbox("POST", "/sandbox/custom", id="desk-42", name="Desk 42")
    config = {"system_id": "desk-42", "send_url": link["send_url"], "signing_secret": link["secret"]}
    made = house.chief.post(
        "/connections", json={"kind": "custom", "name": "Desk 42", "config": config}
    ).json()
    page = rooms.agent(CHIEF).go(f"/admin/channels/{made['id']}").page
    house.sandbox("POST", "/sandbox/customers", id="somebody", name="Somebody")
    page.get_by_role("tab", name="Health").click()
    expect(page.get_by_text("The platform accepts the credentials")).to_be_visible()
    expect(page.get_by_text("Write to this account from your own phone.")).to_be_visible()
    page.get_by_label("To", exact=True).fill("somebody")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("The platform took the message")).to_be_visible()
    wrong = {"config": {**config, "signing_secret": "not the secret of the other side"}}
    house.chief.patch(f"/connections/{made['id']}?force=true", json=wrong).raise_for_status()
    page.reload()
    page.get_by_role("button", name=re.compile("1 alarm")).click()
    expect(page.get_by_text("Desk 42 is out of order")).to_be_visible()
    house.chief.patch(f"/connections/{made['id']}", json={"config": config}).raise_for_status()
    page.reload()
    expect(page.get_by_role("button", name="0 alarms")).to_be_visible()
