"""Signing in: throttled before the password is looked at, without locking the owner out; sessions begin and
end.

An attempt is counted first and forgiven when it succeeds, so that parallel guesses count too. A device that
was signed in to
the account before (its sealed cookie, else its address) is counted by itself: whoever guesses elsewhere can't
shut it out.
"""

import hashlib
import ipaddress
import secrets
from uuid import UUID

import msgspec

from switchboard.core.errors import TooMany, Unauthenticated
from switchboard.core.ids import new_id
from switchboard.core.text import scrub
from switchboard.db.pool import Tx
from switchboard.staff import passwords, tokens
from switchboard.staff.audit import SQL

LIFETIME = 14 * 86_400
"""Seconds a session lives on after it was last used."""
TOUCH_EVERY = 300
"""Seconds between two notes of a session's use: one write saved for each request in between."""
FREE_BY_ACCOUNT, FREE_BY_ADDRESS, FREE_BY_DEVICE = 5, 20, 10
LONGEST_WAIT, LONGEST_WAIT_OF_DEVICE = 900, 60


class Attempt(msgspec.Struct, frozen=True):
    """An attempt that may go on: the account if there is one, and which counters it used."""

    account_id: UUID | None
    password_hash: str
    keys: tuple[str, ...]
    trusted: bool


class Session(msgspec.Struct, frozen=True):
    """A session just begun; the token is told once."""

    id: UUID
    workspace_id: UUID
    agent_id: UUID
    account_id: UUID
    token: str
    csrf: str


def normal(email: str) -> str:
    """Return an e-mail address as accounts are known by it."""
    return scrub(email).strip().casefold()[:254]


def network(address: str) -> str:
    """Return what one household or machine holds of addresses: an IPv4 address, an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


async def reserve(tx: Tx, email: str, address: str, device: tuple[UUID, str] | None) -> Attempt:
    """Count an attempt; raises TooMany (and counts nothing) while its keys have to wait.

    `device` is what a sealed cookie says: the account that was signed in to there, and the device's own
    number.
    """
    row = await tx.row(SQL.account_by_email, email=normal(email))
    place = network(address)
    account = None if row is None else row["id"]
    if account is not None and device is not None and device[0] == account:
        limits = [(f"device:{_short(device[1])}", FREE_BY_DEVICE, LONGEST_WAIT_OF_DEVICE)]
        trusted = True
    elif account is not None and await tx.value(SQL.known_address, account=account, address=place):
        limits = [(f"pair:{account}:{place}", FREE_BY_DEVICE, LONGEST_WAIT_OF_DEVICE)]
        trusted = True
    else:
        limits = [
            (f"account:{_short(normal(email))}", FREE_BY_ACCOUNT, LONGEST_WAIT),
            (f"address:{place}", FREE_BY_ADDRESS, LONGEST_WAIT),
        ]
        trusted = False
    for key, free, longest in limits:
        if await tx.value(SQL.reserve_attempt, key=key, free=free, longest=longest) is None:
            wait = await tx.value(SQL.attempt_wait, key=key)
            raise TooMany(
                "Too many attempts. Wait a little and try again.",
                after=int(wait or 1),
                code="too_many_attempts",
            )
    return Attempt(
        account,
        row["password_hash"] if row else passwords.NOBODY,
        tuple(key for key, _, _ in limits),
        trusted,
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def wrong() -> Unauthenticated:
    """The one answer to a wrong address and a wrong password alike."""
    return Unauthenticated("E-mail address or password is wrong.", code="wrong_credentials")


async def forgive(tx: Tx, attempt: Attempt) -> None:
    """Forget the failures of an attempt that succeeded; those of an address belong to others too and stay."""
    for key in attempt.keys:
        await tx.run(SQL.forgive_one if key.startswith("address:") else SQL.forgive, key=key)


async def begin(
    tx: Tx, workspace: UUID, account: UUID, agent: UUID, address: str, user_agent: str
) -> Session:
    """Begin a session."""
    session = Session(
        new_id(), workspace, agent, account, tokens.make(tokens.SESSION), secrets.token_urlsafe(24)
    )
    await tx.run(
        SQL.create_session,
        workspace=workspace,
        id=session.id,
        hash=tokens.digest(session.token),
        csrf=session.csrf,
        account=account,
        agent=agent,
        address=network(address),
        user_agent=scrub(user_agent)[:300],
        seconds=LIFETIME,
    )
    return session


async def touch(tx: Tx, workspace: UUID, session: UUID) -> None:
    """Note that a session is in use, which lets it live on."""
    await tx.run(SQL.touch_session, workspace=workspace, id=session, seconds=LIFETIME)


async def touch_key(tx: Tx, workspace: UUID, key: UUID) -> None:
    """Note that an API key is in use."""
    await tx.run(SQL.touch_key, workspace=workspace, id=key)


async def end(tx: Tx, workspace: UUID, agent: UUID, session: UUID) -> bool:
    """End one of somebody's sessions; False when they have no such session."""
    return bool(await tx.run(SQL.end_session, workspace=workspace, id=session, agent=agent))


async def renew_hash(tx: Tx, account: UUID, hashed: str) -> None:
    """Keep a password's hash made with today's parameters."""
    await tx.run(SQL.set_password, id=account, hash=hashed)


async def change_password(tx: Tx, account: UUID, hashed: str, but: UUID | None) -> None:
    """Keep a new password and end every other session of the account."""
    await tx.run(SQL.set_password, id=account, hash=hashed)
    await tx.run(SQL.end_account_sessions, account=account, but=but)


async def prune(tx: Tx) -> None:
    """Forget failed sign-ins of more than a day ago."""
    await tx.run(SQL.prune_failures)
