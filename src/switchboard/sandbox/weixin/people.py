"""Under which ids Tencent shows a person: one per account, one shared by the accounts of an open platform."""

import secrets

from switchboard.sandbox.state import Customer, PlatformAccount
from switchboard.sandbox.world import World

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


def _made(start: str, length: int) -> str:
    return start + "".join(secrets.choice(LETTERS) for _ in range(length - len(start)))


def openid(world: World, account: PlatformAccount, customer: Customer) -> str:
    """The person's id towards one app (`o…`) or one corp (`wm…`), made when they come there first."""
    if account.platform == "wecom":
        return world.store.known_as(customer, _space(account), lambda: _made("wm", 32))
    return world.store.known_as(customer, _space(account), lambda: _made("o", 28))


def unionid(world: World, account: PlatformAccount, customer: Customer) -> str:
    """The person's id towards all apps of one open platform; empty where the account is bound to none."""
    bound = str(account.settings.get("open_platform") or "")
    if not bound:
        return ""
    return world.store.known_as(customer, f"weixin-union:{bound}", lambda: _made("o", 28))


def person(world: World, account: PlatformAccount, openid: str) -> Customer | None:
    """Who has this id here."""
    return world.store.customer_known_as(_space(account), openid)


def _space(account: PlatformAccount) -> str:
    return f"{account.platform}:{account.id}"
