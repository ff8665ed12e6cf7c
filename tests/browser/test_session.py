"""Signing in, language and colours."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Rooms
from tests.browser.house import BEN, CHIEF, PASSWORD, House

pytestmark = pytest.mark.xdist_group("browser")


def test_a_wrong_password_is_refused_then_the_right_one_opens_the_desk(rooms: Rooms, house: House) -> None:
    page = rooms.context().new_page()
    page.goto(f"{house.url}/desk/unassigned")
    page.get_by_label("E-mail").fill(CHIEF)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    expect(page).to_have_url(f"{house.url}/desk/unassigned")
    page.get_by_role("button", name="My account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{house.url}/desk/mine")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_language_and_colours_change_at_once_and_stay(rooms: Rooms) -> None:
    page = rooms.agent(BEN).go().page
    expect(page.locator("html")).to_have_attribute("data-mode", "light")
    page.get_by_role("button", name="My account").click()
    page.get_by_role("menuitem", name="Language").click()
    page.get_by_role("menuitem", name="简体中文").click()
    expect(page.get_by_role("link", name="未分配")).to_be_visible()
    page.get_by_role("button", name="我的账号").click()
    page.get_by_role("menuitem", name="个人设置").click()
    choose(page, "深色")
    expect(page.locator("html")).to_have_attribute("data-mode", "dark")
    page.reload()
    expect(page.get_by_role("heading", name="个人设置")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-mode", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    # Back, for the tests that follow: both choices belong to the account too.
    choose(page, "English")
    choose(page, "Light")
    expect(page.locator("html")).to_have_attribute("data-mode", "light")


def choose(page: Page, words: str) -> None:
    """Press a choice of the profile page and wait until the account has it."""
    with page.expect_response(re.compile("/api/v1/me$")):
        page.get_by_text(words, exact=True).click()
