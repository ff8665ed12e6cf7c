"""Who may do what: the one table of permissions. Endpoints name a permission; nothing else decides."""

from enum import StrEnum

import msgspec

AGENT, SUPERVISOR, ADMINISTRATOR = "agent", "supervisor", "administrator"
ROLES = (AGENT, SUPERVISOR, ADMINISTRATOR)
_ALL = frozenset(ROLES)
_LEADS = frozenset({SUPERVISOR, ADMINISTRATOR})
_ADMINISTRATORS = frozenset({ADMINISTRATOR})


class Permission(StrEnum):
    """Everything that can be permitted. `PUBLIC` needs nobody, `SELF` needs a person whatever their role."""

    PUBLIC = "public"
    SELF = "self"
    CONVERSATIONS_READ = "conversations.read"
    CONVERSATIONS_READ_ALL = "conversations.read_all"
    CONVERSATIONS_WRITE = "conversations.write"
    CONVERSATIONS_TAKE = "conversations.take"
    CONVERSATIONS_ASSIGN = "conversations.assign"
    CONTACTS_READ = "contacts.read"
    CONTACTS_WRITE = "contacts.write"
    CONTACTS_MERGE = "contacts.merge"
    FILES_WRITE = "files.write"
    SEARCH = "search"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    CONNECTIONS_READ = "connections.read"
    CONNECTIONS_MANAGE = "connections.manage"
    SETTINGS_READ = "settings.read"
    SETTINGS_MANAGE = "settings.manage"
    KEYS_MANAGE = "keys.manage"
    AUDIT_READ = "audit.read"


class Rule(msgspec.Struct, frozen=True):
    """Which roles have a permission, and whether an API key may carry it as a scope."""

    roles: frozenset[str]
    scope: bool = True


P = Permission
RULES: dict[Permission, Rule] = {
    P.SELF: Rule(_ALL, scope=False),
    P.CONVERSATIONS_READ: Rule(_ALL),
    # Agents see their own, their teams' and nobody's team's conversations; keys see all that they may read.
    P.CONVERSATIONS_READ_ALL: Rule(_LEADS, scope=False),
    P.CONVERSATIONS_WRITE: Rule(_ALL),
    # Only a person can have a conversation.
    P.CONVERSATIONS_TAKE: Rule(_ALL, scope=False),
    P.CONVERSATIONS_ASSIGN: Rule(_ALL),
    P.CONTACTS_READ: Rule(_ALL),
    P.CONTACTS_WRITE: Rule(_ALL),
    P.CONTACTS_MERGE: Rule(_ALL),
    P.FILES_WRITE: Rule(_ALL),
    P.SEARCH: Rule(_ALL),
    P.PEOPLE_READ: Rule(_ALL),
    # A key that could invite people or make keys could give itself everything.
    P.PEOPLE_MANAGE: Rule(_ADMINISTRATORS, scope=False),
    P.KEYS_MANAGE: Rule(_ADMINISTRATORS, scope=False),
    P.CONNECTIONS_READ: Rule(_ALL),
    P.CONNECTIONS_MANAGE: Rule(_ADMINISTRATORS),
    P.SETTINGS_READ: Rule(_ALL),
    P.SETTINGS_MANAGE: Rule(_ADMINISTRATORS),
    P.AUDIT_READ: Rule(_ADMINISTRATORS),
}

SCOPES = tuple(sorted(str(one) for one, rule in RULES.items() if rule.scope))
"""What an API key can be allowed."""


def role_has(role: str, permission: Permission) -> bool:
    """Tell whether people of a role have a permission."""
    return permission in RULES and role in RULES[permission].roles


def key_has(scopes: frozenset[str], permission: Permission) -> bool:
    """Tell whether a key with these scopes has a permission; a key that reads conversations reads all of
    them.
    """
    if permission is P.CONVERSATIONS_READ_ALL:
        return str(P.CONVERSATIONS_READ) in scopes
    return permission in RULES and RULES[permission].scope and str(permission) in scopes


def permissions_of(role: str) -> list[str]:
    """Return every permission of a role, for screens that hide what one may not do."""
    return sorted(str(one) for one in RULES if role_has(role, one))
