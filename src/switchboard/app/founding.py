"""Founds a workspace with its first administrator, from the command line."""

import hashlib
import re

from switchboard import flow
from switchboard.core.errors import Conflict
from switchboard.db.pool import Database
from switchboard.staff import passwords, people
from switchboard.staff.permission import ADMINISTRATOR
from switchboard.tenancy import commands as tenancy


def slug_of(name: str) -> str:
    """Return a workspace's name as part of an address; without Latin letters, a short digest of it."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50]
    return plain or f"workspace-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


async def found_workspace(
    dsn: str, name: str, email: str, administrator: str, locale: str, password: str
) -> None:
    """Found a workspace; raises Problem. An e-mail address that has an account keeps its password."""
    passwords.check(password)
    hashed = await passwords.hashed(password)
    db = Database(dsn, size=1)
    await db.open()
    try:
        async with db.transaction() as tx:
            try:
                workspace = await tenancy.create(tx, name, slug_of(name), locale)
            except Conflict:
                raise Conflict(f"There is a workspace like {name!r} already.", field="name") from None
            account = await people.account_of(tx, email) or await people.create_account(tx, email, hashed)
            if account is None:
                raise Conflict("This account was made just now; try again.")
            await flow.carry(tx, people.hire, workspace, account, administrator, ADMINISTRATOR, (), locale)
    finally:
        await db.close()
