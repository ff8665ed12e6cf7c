"""How many messages a business may send after something that the customer did, and until when."""

import msgspec

from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.weixin.errors import WeixinError


class Grant(msgspec.Struct, frozen=True):
    """What one kind of act allows."""

    messages: int
    seconds: float


def grant(account: PlatformAccount, person: str, act: str, what: Grant, now: float) -> None:
    """The customer did `act`: its count begins anew."""
    of_person = account.kept.setdefault("windows", {}).setdefault(person, {})
    of_person[act] = [now + what.seconds, what.messages]


def withdraw(account: PlatformAccount, person: str) -> None:
    """Nothing is allowed any more."""
    account.kept.get("windows", {}).pop(person, None)


def left(account: PlatformAccount, person: str, now: float) -> list[list[float]]:
    """Open windows as [end, messages left], the one that ends first first."""
    of_person = account.kept.get("windows", {}).get(person, {})
    return sorted(one for one in of_person.values() if one[0] > now)


def spend(account: PlatformAccount, person: str, now: float, *, late: int, many: int) -> None:
    """Take one message out of the window that ends first; WeixinError `late` without a window, `many` without a rest."""
    windows = left(account, person, now)
    if not windows:
        raise WeixinError(late)
    usable = [one for one in windows if one[1] > 0]
    if not usable:
        raise WeixinError(many)
    usable[0][1] -= 1
