"""Tells the sandbox what was said before it began, so that whoever still waits can be answered there."""

from typing import Any

from switchboard.app.demo.accounts import APP, ASIA, BOT, EUROPE, MAIL, REGULARS
from switchboard.app.demo.platforms import Platforms
from switchboard.app.demo.story import Case, Customer, Story

ACCOUNTS = {
    "asia": ("whatsapp", ASIA),
    "europe": ("whatsapp", EUROPE),
    "bot": ("telegram", BOT),
    "app": ("custom", APP),
    "mail": ("email", MAIL),
}
"""Where the story's channels are in the sandbox; the website's visitors have no phone."""


async def tell(platforms: Platforms, story: Story) -> None:
    """Give phones to everybody whose case is not over, and put the talks of all who have one in place."""
    items = []
    for case in story.cases:
        regular = case.customer < len(REGULARS)
        if case.channel in ACCOUNTS and (regular or case.state != "resolved"):
            customer = story.customers[case.customer]
            key = (
                REGULARS[case.customer][0] if regular else customer.addresses.get("app", f"d{case.customer}")
            )
            if not regular:
                await platforms.post("customers", **_person(key, customer))
            items.append(_chat(key, case))
    await platforms.post("history", items=items)


def _person(key: str, customer: Customer) -> dict[str, Any]:
    known: dict[str, Any] = {"id": key, "name": customer.name, "language": customer.language}
    for channel, address in customer.addresses.items():
        if channel in ("asia", "europe"):
            known["phone"] = address.removeprefix("+")
        elif channel == "bot":
            known["telegram_id"] = int(address)
        elif channel == "mail":
            known["email"] = address
    return known


def _chat(key: str, case: Case) -> dict[str, Any]:
    platform, account = ACCOUNTS[case.channel]
    bubbles = [
        {
            "side": "customer" if said.agent is None else "business",
            "text": said.turn.text,
            "at": said.at.timestamp(),
        }
        for said in case.said
        if said.turn.who != "n"
    ]
    return {"platform": platform, "account": account, "customer": key, "bubbles": bubbles}
