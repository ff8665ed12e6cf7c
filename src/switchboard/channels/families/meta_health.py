"""What Meta says of our own standing: tokens that end, permissions that are missing, subscriptions that are lost."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from switchboard.channels.api import AccountChanged, Outcome
from switchboard.channels.families.meta_graph import Graph
from switchboard.channels.reading import Json, moment, obj, text

# Time enough for an administrator who is on holiday to be found.
NOTICE = timedelta(days=7)
ENDS = {
    "expires_at": ("token_ends", "The access token ends on {}. Make a new one and save it here before then."),
    "data_access_expires_at": (
        "data_access_ends",
        "The app's access to the data of who made the access token ends on {}. Make a new one and save it here before then.",
    ),
}


async def token_news(graph: Graph, token: str, asker: str, needed: Sequence[str]) -> list[AccountChanged]:
    """Ask how long a connection's token lives and what it may do; `asker` is the app's own token, or the same once more."""
    try:
        answer = await graph.call("GET", "debug_token", asker, params={"input_token": token})
    except Outcome:
        # Who may not ask (or gets no answer) learns nothing: whether the token is good, the other calls say.
        return []
    return aging(obj(answer, "data"), needed, datetime.now(UTC))


def aging(data: Json, needed: Sequence[str], now: datetime) -> list[AccountChanged]:
    """Tell what `debug_token` says of a token: over, over soon, or without a permission; nothing when it is well.

    A token without an end has the time 0. Scopes that are not told at all prove nothing.
    """
    if data.get("is_valid") is False:
        words = text(data, "error", "message") or "Meta no longer takes the access token."
        return [_news("red", "token_invalid", f"{words} Make a new one and save it here.")]
    found = []
    for name, (code, words) in ENDS.items():
        until = moment(data, name)
        if until is not None and until - now <= NOTICE:
            found.append(_news("amber", code, words.format(f"{until:%Y-%m-%d %H:%M} UTC")))
    given = data.get("scopes")
    scopes = given if isinstance(given, list) else []
    missing = [name for name in needed if name not in scopes] if scopes else []
    if missing:
        words = f"The access token lacks permissions: {', '.join(missing)}. Make a new one with them and save it here."
        found.append(_news("amber", "permissions_missing", words))
    return found


def _news(status: str, code: str, detail: str) -> AccountChanged:
    return AccountChanged(account="", dedupe_key=f"check:{code}", status=status, code=code, detail=detail)


# -- subscriptions -----------------------------------------------------------------------------------------


def deaf(
    account: str,
    subscriptions: Sequence[Json],
    app_id: str,
    needed: Sequence[str],
    fields: str = "subscribed_fields",
) -> AccountChanged | None:
    """Tell what is wrong with an account's subscription: none at all, or without what we need; None when it is well."""
    ours = [row for row in subscriptions if not app_id or text(row, "id") == app_id]
    if not ours:
        return AccountChanged(
            account=account,
            dedupe_key=f"check:{account}:unsubscribed",
            status="red",
            code="unsubscribed",
            detail="The app is no longer subscribed to this account: nothing arrives. Reconnect it.",
        )
    names = {name for row in ours for name in row.get(fields) or () if isinstance(name, str)}
    missing = [name for name in needed if name not in names]
    if not missing:
        return None
    return AccountChanged(
        account=account,
        dedupe_key=f"check:{account}:fields:{','.join(missing)}",
        status="red" if "messages" in missing else "amber",
        code="fields_missing",
        detail=f"The app is not subscribed to: {', '.join(missing)}. Reconnect it.",
    )


def misled(account: str, subscriptions: Sequence[Json], name: str, webhook_url: str) -> AccountChanged | None:
    """Tell when the app's webhooks of the object `name` go nowhere or to another address than ours."""
    found = next((row for row in subscriptions if text(row, "object") == name), {})
    if found.get("active") is not False and text(found, "callback_url") == webhook_url:
        return None
    return AccountChanged(
        account=account,
        dedupe_key=f"check:{account}:callback",
        status="red",
        code="callback_elsewhere",
        detail="The app's webhooks are switched off, or go to another address. Reconnect it.",
    )
