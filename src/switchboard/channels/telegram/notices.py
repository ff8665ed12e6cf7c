"""Service messages: what Telegram tells of a chat itself, as notices for the timeline."""

from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.channels.api import Notice
from switchboard.channels.telegram.payloads import User

# `code` of the notice is "telegram." and the name; the text is what a screen shows without a translation.
_PLAIN = {
    "chat_background_set": "The chat's background was changed",
    "chat_owner_changed": "The chat has a new owner",
    "chat_owner_left": "The chat's owner left",
    "chat_shared": "A chat was shared",
    "boost_added": "The chat was boosted",
    "channel_chat_created": "The channel was created",
    "checklist_tasks_added": "Tasks were added to a checklist",
    "checklist_tasks_done": "Tasks of a checklist were marked",
    "connected_website": "Signed in to a website through Telegram",
    "delete_chat_photo": "The chat's picture was removed",
    "direct_message_price_changed": "The price of direct messages changed",
    "forum_topic_closed": "The topic was closed",
    "forum_topic_reopened": "The topic was reopened",
    "general_forum_topic_hidden": "The general topic was hidden",
    "general_forum_topic_unhidden": "The general topic is shown again",
    "gift": "A gift was sent",
    "gift_upgrade_sent": "A gift's upgrade was paid for",
    "giveaway": "A giveaway was announced",
    "giveaway_completed": "A giveaway ended without public winners",
    "giveaway_created": "A giveaway was created",
    "giveaway_winners": "A giveaway has its winners",
    "group_chat_created": "The group was created",
    "managed_bot_created": "A managed bot was created",
    "message_auto_delete_timer_changed": "The time after which messages vanish was changed",
    "migrate_from_chat_id": "The group became a supergroup",
    "migrate_to_chat_id": "The group became a supergroup",
    "new_chat_photo": "The chat has a new picture",
    "paid_message_price_changed": "The price of messages changed",
    "passport_data": "Telegram Passport data was sent",
    "pinned_message": "A message was pinned",
    "poll_option_added": "An answer was added to a poll",
    "poll_option_deleted": "An answer was removed from a poll",
    "proximity_alert_triggered": "Somebody came near",
    "suggested_post_approval_failed": "A suggested post could not be approved",
    "suggested_post_approved": "A suggested post was approved",
    "suggested_post_declined": "A suggested post was declined",
    "suggested_post_paid": "A suggested post was paid for",
    "suggested_post_refunded": "A suggested post was refunded",
    "supergroup_chat_created": "The supergroup was created",
    "unique_gift": "A gift was sent",
    "users_shared": "People were shared",
    "video_chat_ended": "The video chat ended",
    "video_chat_participants_invited": "People were invited to the video chat",
    "video_chat_scheduled": "A video chat was scheduled",
    "video_chat_started": "A video chat started",
    "write_access_allowed": "The bot was allowed to write",
}


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


def _joined(value: Any) -> tuple[str, dict[str, Any]]:
    names = [user.name for user in msgspec.convert(value, list[User])]
    return f"{', '.join(names)} joined", {"names": names}


def _left(value: Any) -> tuple[str, dict[str, Any]]:
    name = msgspec.convert(value, User).name
    return f"{name} left", {"names": [name]}


def _title(value: Any) -> tuple[str, dict[str, Any]]:
    title = msgspec.convert(value, str)
    return f"The chat is now called {title}", {"title": title}


def _topic(verb: str) -> Callable[[Any], tuple[str, dict[str, Any]]]:
    def read(value: Any) -> tuple[str, dict[str, Any]]:
        name = msgspec.convert(value, _Named).name
        return f"The topic {name} was {verb}".replace("  ", " "), {"name": name}

    return read


_DETAILED: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    "new_chat_members": _joined,
    "left_chat_member": _left,
    "new_chat_title": _title,
    "forum_topic_created": _topic("created"),
    "forum_topic_edited": _topic("edited"),
}


def notice(name: str, value: Any) -> Notice | None:
    """Return the notice for a service field; None when the field is none we know or isn't as documented."""
    if name in _PLAIN:
        return Notice(f"telegram.{name}", _PLAIN[name])
    if name not in _DETAILED:
        return None
    try:
        text, data = _DETAILED[name](value)
    except msgspec.ValidationError:
        return None
    return Notice(f"telegram.{name}", text, data)
