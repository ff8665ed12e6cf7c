"""What WeCom calls us with: that messages are waiting, which accounts came and went, and news of other parts of WeCom."""

import hashlib
import json
from typing import Any

from switchboard.channels.api import AccountChanged, BadPayload, Inbound, Nudge
from switchboard.channels.families.weixin import bounded, moment, scalars, text
from switchboard.channels.reading import Json

ENVELOPE = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "Token", "WelcomeCode")
TAKEN = "AuthDelOpenKfId"
CHANGES = ("AuthAddOpenKfId", TAKEN)


def facts_of_callback(said: Json) -> list[Inbound]:
    """Return the one fact of a callback; raises BadPayload when it names no event."""
    event = text(said, "Event") or text(said, "InfoType") or text(said, "MsgType")
    if not event:
        raise BadPayload("the callback names no event")
    body = json.dumps(said, sort_keys=True, default=str)
    key = f"callback:{hashlib.sha256(body.encode()).hexdigest()}"
    at = moment(said, "CreateTime") or moment(said, "TimeStamp")
    account = bounded(text(said, "OpenKfId"))
    if event == "kf_msg_or_event":
        # Callbacks of old named no account: then all are looked at.
        return [Nudge(account=account, dedupe_key=key, occurred_at=at, hint=text(said, "Token")[:500])]
    lists = {name: ids for name in CHANGES if (ids := _ids(said.get(name)))}
    taken = event == "kf_account_auth_change" and TAKEN in lists
    return [
        AccountChanged(
            account=account,
            dedupe_key=key,
            occurred_at=at,
            status="amber" if taken else "green",
            code=f"wecom_{event[:60].lower()}",
            detail="WeCom took a customer service account away from this app." if taken else "",
            data={**scalars(said, *ENVELOPE), **lists},
        )
    ]


def _ids(value: Any) -> str:
    """Return account ids as one text: a single one stands alone, several are a list."""
    listed = value if isinstance(value, list) else [value]
    return ", ".join(one for one in listed if isinstance(one, str))[:1000]
