"""News of our own account, sorted: green (fine), amber (look at it soon), red (nothing works any more)."""

from switchboard.channels.api import AccountChanged
from switchboard.channels.reading import Json, obj, rows, text

BANS = {"SCHEDULE_FOR_DISABLE": "amber", "DISABLE": "red", "REINSTATE": "green"}
# By field of the webhook, then by its event or decision; the first entry of a field is for everything else.
STANDING: dict[str, tuple[str, dict[str, str]]] = {
    "account_update": (
        "green",
        {
            "DISABLED_UPDATE": "red",
            "ACCOUNT_DELETED": "red",
            "PARTNER_REMOVED": "red",
            "PARTNER_APP_UNINSTALLED": "red",
            "ACCOUNT_OFFBOARDED": "red",
            "ACCOUNT_VIOLATION": "amber",
            "ACCOUNT_RESTRICTION": "amber",
        },
    ),
    "account_review_update": ("amber", {"APPROVED": "green", "REJECTED": "red"}),
    "account_alerts": ("amber", {}),
    "phone_number_quality_update": (
        "green",
        {"FLAGGED": "amber", "DOWNGRADE": "amber", "THROUGHPUT_DOWNGRADE": "amber"},
    ),
    "phone_number_name_update": ("amber", {"APPROVED": "green"}),
    "business_username_update": ("green", {"rejected": "amber", "deleted": "amber"}),
    "message_template_status_update": (
        "green",
        {
            "REJECTED": "amber",
            "DISABLED": "amber",
            "PAUSED": "amber",
            "FLAGGED": "amber",
            "PENDING_DELETION": "amber",
            "LOCKED": "amber",
        },
    ),
    "message_template_quality_update": ("green", {"RED": "amber", "YELLOW": "amber"}),
    "template_category_update": ("green", {}),
    "message_template_components_update": ("green", {}),
    "business_capability_update": ("green", {}),
    "security": ("amber", {}),
}


def standing(field: str, value: Json) -> tuple[str, str, str]:
    """Return (status, code, detail) of one piece of news; a field that we don't know is news all the same."""
    usual, known = STANDING.get(field, ("green", {}))
    event = (
        text(value, "event")
        or text(value, "decision")
        or text(value, "status")
        or text(value, "new_quality_score")
        or text(value, "alert_info", "alert_type")
        or text(value, "alert_type")
    )
    status = known.get(event, usual)
    ban = text(value, "ban_info", "waba_ban_state")
    if event == "DISABLED_UPDATE" and ban:
        status = BANS.get(ban, "red")
    return status, ":".join(filter(None, [field or "change", event])), "; ".join(_details(value))


def at_a_glance(apps: Json, numbers: Json, webhook_url: str) -> list[AccountChanged]:
    """Return what is wrong by Graph's own lists of subscribed apps and of numbers; nothing when all is well."""
    found = []
    subscribed = rows(apps, "data")
    elsewhere = [one for one in subscribed if text(one, "override_callback_uri") not in {"", webhook_url}]
    if not subscribed:
        found.append(
            _news(
                "", "amber", "not_subscribed", "The app isn't subscribed to the account: no messages arrive."
            )
        )
    elif len(elsewhere) == len(subscribed):
        words = "Meta calls another webhook address than this installation's."
        found.append(_news("", "amber", "webhook_elsewhere", words))
    for number in rows(numbers, "data"):
        name, status, quality = (
            text(number, one) for one in ("display_phone_number", "status", "quality_rating")
        )
        if status in {"BANNED", "RESTRICTED", "DISCONNECTED", "DELETED"}:
            colour = "amber" if status == "RESTRICTED" else "red"
            found.append(_news(text(number, "id"), colour, f"status:{status}", f"{name}: {status}"))
        elif quality == "RED":
            words = f"{name}: the quality rating is low; Meta may lower its limit."
            found.append(_news(text(number, "id"), "amber", "quality:RED", words))
    return found


def _news(account: str, status: str, code: str, detail: str) -> AccountChanged:
    key = f"check:{account}:{code}"
    return AccountChanged(account=account, dedupe_key=key, status=status, code=code, detail=detail)


def _details(value: Json) -> list[str]:
    shown = [
        text(value, name)
        for name in (
            "message_template_name",
            "message_template_language",
            "display_phone_number",
            "phone_number",
            "requested_verified_name",
            "username",
            "current_limit",
            "max_daily_conversation_per_phone",
            "previous_category",
            "new_category",
            "rejection_reason",
        )
    ]
    reason = text(value, "reason")
    shown.append("" if reason == "NONE" else reason)
    shown += [text(value, "ban_info", name) for name in ("waba_ban_state", "waba_ban_date")]
    shown.append(text(value, "violation_info", "violation_type"))
    shown += [text(row, "restriction_type") for row in rows(value, "restriction_info")]
    shown.append(text(obj(value, "disconnection_info"), "reason"))
    shown.append(text(value, "alert_info", "alert_description") or text(value, "alert_description"))
    return [words for words in shown if words]
