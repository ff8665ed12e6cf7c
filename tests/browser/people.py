"""Who sits before a browser: agents at the desk and visitors of the shop."""

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.house import House


class Agent:
    """An agent's page, signed in."""

    def __init__(self, page: Page, house: House) -> None:
        self.page = page
        self._house = house

    def go(self, path: str = "/desk/all") -> "Agent":
        """Open a screen and wait until the stream feeds it."""
        self.page.goto(self._house.url + path)
        expect(self.page.get_by_role("button", name="My account")).to_be_visible()
        return self

    @property
    def list(self) -> Locator:
        return self.page.get_by_role("region", name=re.compile("conversations|All open", re.IGNORECASE)).first

    def row(self, name: str) -> Locator:
        """The conversation of a customer in the list."""
        return self.list.get_by_role("button", name=name)

    def open(self, name: str) -> None:
        """Choose a conversation."""
        self.row(name).click()
        expect(self.page.get_by_role("heading", name=name, level=2)).to_be_visible()

    @property
    def timeline(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def editor(self) -> Locator:
        return self.page.get_by_role("textbox", name="Reply", exact=True)

    def answer(self, text: str) -> None:
        """Write and send with Enter."""
        self.editor.fill(text)
        self.editor.press("Enter")

    def said(self, text: str) -> Locator:
        """The message in the timeline with exactly these words."""
        return self.timeline.locator("[data-position]").filter(has=self.page.get_by_text(text, exact=True))

    def do(self, action: str) -> None:
        """Press a button of the conversation's head."""
        self.page.get_by_role("button", name=action, exact=True).click()

    def jump(self, words: str) -> None:
        """Run a command from the palette."""
        self.page.keyboard.press("Control+k")
        field = self.page.get_by_role("dialog").get_by_role("textbox")
        field.fill(words)
        self.page.get_by_role("option").first.click()


class Visitor:
    """A customer on the shop's page, with the chat open."""

    def __init__(self, context: BrowserContext, house: House, name: str) -> None:
        self.page = context.new_page()
        self.name = name
        self.page.goto(f"{house.shop}/?name={name.replace(' ', '+')}")
        self.page.get_by_role("button", name="Open chat").click()
        expect(self.chat).to_be_visible()

    @property
    def chat(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def log(self) -> Locator:
        return self.chat.get_by_role("log")

    @property
    def editor(self) -> Locator:
        return self.chat.get_by_role("textbox", name="Write a message…")

    def write(self, text: str) -> None:
        """Send a message and see it stand there."""
        self.editor.fill(text)
        self.editor.press("Enter")
        expect(self.log.get_by_text(text, exact=True)).to_be_visible()

    def sees(self, text: str) -> None:
        """Wait until the words are in the chat, once."""
        expect(self.log.get_by_text(text, exact=True)).to_have_count(1)
