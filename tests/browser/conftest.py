"""One installation and one Chromium for all browser tests; every person has a browser context of their own.

The fixtures of pytest-playwright live as long as the session and keep an event loop in the main thread, which
asynchronous tests that run later in the same process cannot bear. So the browser here ends with this folder.
Each file is marked for one worker, so that the installation is started once.
"""

import asyncio
import json
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.house import PASSWORD, House
from tests.browser.people import Agent, Visitor
from tests.plugins.postgres import fresh_database

PICTURES = Path(__file__).resolve().parents[2] / "var" / "browser"
SECONDS = 20
"""How long something may take to appear on a loaded machine; it usually takes a fraction of one."""
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="package")
def house(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A workspace with Ann and Ben, a site widget and a WhatsApp number."""
    databases = fresh_database(postgres_server, migrated_template)
    house = House(tmp_path_factory.mktemp("house"), next(databases))
    try:
        house.open()
        yield house
    finally:
        house.close()
        next(databases, None)


@pytest.fixture(scope="package")
def chrome(browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """Chromium, ended with the last browser test."""
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**browser_type_launch_args)
        yield browser
        browser.close()
    assert asyncio._get_running_loop() is None


class Rooms:
    """Browser contexts of one test: their pages are photographed when it fails, and may raise no error."""

    def __init__(self, browser: Browser, house: House, cookies: dict[str, Any]) -> None:
        self._browser = browser
        self._house = house
        self._cookies = cookies
        self._open: list[BrowserContext] = []
        self.errors: list[str] = []

    def context(self, **settings: Any) -> BrowserContext:
        """A browser of its own, in English and light unless said otherwise."""
        given = {"locale": "en-GB", "color_scheme": "light", "viewport": {"width": 1280, "height": 800}}
        context = self._browser.new_context(**{**given, **settings})
        context.set_default_timeout(SECONDS * 1000)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self._open.append(context)
        return context

    def agent(self, email: str, **settings: Any) -> Agent:
        """Somebody at the desk; the first time by password, then with the cookie of that time."""
        context = self.context(**settings)
        if email in self._cookies:
            context.add_cookies(self._cookies[email])
        else:
            body = json.dumps({"email": email, "password": PASSWORD})
            headers = {"Content-Type": "application/json", "Origin": self._house.url}
            answer = context.request.post(f"{self._house.url}/api/v1/sessions", data=body, headers=headers)
            assert answer.status == 201, answer.text()
            self._cookies[email] = context.cookies()
        return Agent(context.new_page(), self._house)

    def visitor(self, name: str) -> Visitor:
        """Somebody new on the shop's page."""
        return Visitor(self.context(), self._house, name)

    def photograph(self, test: str) -> None:
        """Keep a picture of every page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", test)
        pages = [page for context in self._open for page in context.pages]
        for nr, page in enumerate(pages):
            page.screenshot(path=PICTURES / f"{name}-{nr}.png")

    def close(self) -> None:
        """End all of them."""
        for context in self._open:
            context.close()


@pytest.fixture(scope="package")
def cookies() -> dict[str, Any]:
    """Sessions by e-mail address: signing in is slow on purpose and counted."""
    return {}


@pytest.fixture
def rooms(
    request: pytest.FixtureRequest, chrome: Browser, house: House, cookies: dict[str, Any]
) -> Iterator[Rooms]:
    """Browsers for this test."""
    rooms = Rooms(chrome, house, cookies)
    yield rooms
    if request.node.stash.get(FAILED, True):
        rooms.photograph(request.node.name)
    rooms.close()
    assert rooms.errors == []
