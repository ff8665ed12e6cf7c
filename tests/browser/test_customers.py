"""The customers' own screen: found, created, made one and parted again."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Rooms
from tests.browser.house import CHIEF, House

pytestmark = pytest.mark.xdist_group("browser")


def test_a_customer_is_created_found_and_changed(rooms: Rooms) -> None:
    page = rooms.agent(CHIEF).go("/contacts").page
    page.get_by_role("button", name="New customer").click()
    dialog = page.get_by_role("dialog", name="New customer")
    dialog.get_by_label("Name").fill("Vera Kühn")
    dialog.get_by_label("E-mail").fill("vera@customers.example")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("vera@customers.example").last).to_be_visible()
    page.get_by_placeholder("What colleagues should know").fill("Prefers mornings")
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        page.get_by_placeholder("What colleagues should know").blur()
    page.reload()
    page.get_by_role("textbox", name="Name, number or e-mail").fill("vera@customers")
    expect(
        page.get_by_role("region", name="Customers").get_by_role("button", name="Vera Kühn")
    ).to_be_visible()
    expect(page.get_by_placeholder("What colleagues should know")).to_have_value("Prefers mornings")


def test_a_merge_is_shown_before_it_is_done_and_can_be_undone(rooms: Rooms, house: House) -> None:
    kept = house.contact("Jonas Weber", email="jonas@customers.example")
    house.contact("J. Weber", phone="+4915200000077")
    page = rooms.agent(CHIEF).go(f"/contacts/{kept}").page
    page.get_by_role("button", name="Merge", exact=True).click()
    dialog = page.get_by_role("dialog", name="Merge two customers?")
    dialog.get_by_role("combobox").fill("J. Weber")
    page.get_by_role("option", name="J. Weber").or_(
        page.locator(".ant-select-item", has_text="J. Weber")
    ).last.click()
    expect(dialog.get_by_text("The name Jonas Weber remains.")).to_be_visible()
    dialog.get_by_role("button", name="Merge", exact=True).click()
    expect(dialog).to_have_count(0)
    number = page.get_by_role("listitem").filter(has_text="+4915200000077")
    expect(number).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Merge undone")).to_be_visible()
    expect(number).to_have_count(0)
    people = page.get_by_role("region", name="Customers")
    expect(people.get_by_role("button", name="J. Weber")).to_be_visible()
