"""Parameters of the methods: which exist, which are required, of which type.

A line per method, `name:type`, `*` = required. Types: s string, i integer, f float, b boolean, id integer or
@username, j JSON, file upload or file_id or link. Source: Bot API 10.1, names and types only.
"""

import json
from typing import Any

from switchboard.sandbox.bot.errors import BotError
from switchboard.sandbox.web import Upload

Json = dict[str, Any]

SENT = (
    "business_connection_id:s chat_id*:id message_thread_id:i direct_messages_topic_id:i "
    "disable_notification:b "
    "protect_content:b allow_paid_broadcast:b message_effect_id:s suggested_post_parameters:j "
    "reply_parameters:j "
    "reply_markup:j "
)
CAPTION = "caption:s parse_mode:s caption_entities:j show_caption_above_media:b "
EDITED = "business_connection_id:s chat_id:id message_id:i inline_message_id:s reply_markup:j "
CARRIED = (
    "chat_id*:id message_thread_id:i direct_messages_topic_id:i from_chat_id*:id disable_notification:b "
    "protect_content:b "
)
ALBUM = SENT.replace("suggested_post_parameters:j ", "").replace("reply_markup:j ", "")

METHODS: dict[str, str] = {
    "getMe": "",
    "logOut": "",
    "close": "",
    "getUpdates": "offset:i limit:i timeout:i allowed_updates:j",
    "setWebhook": "url*:s certificate:file ip_address:s max_connections:i allowed_updates:j "
    "drop_pending_updates:b "
    "secret_token:s",
    "deleteWebhook": "drop_pending_updates:b",
    "getWebhookInfo": "",
    "sendMessage": SENT + "text*:s parse_mode:s entities:j link_preview_options:j",
    "sendPhoto": SENT + CAPTION + "photo*:file has_spoiler:b",
    "sendVideo": SENT + CAPTION + "video*:file duration:i width:i height:i thumbnail:file cover:file "
    "start_timestamp:i has_spoiler:b supports_streaming:b",
    "sendAnimation": SENT
    + CAPTION
    + "animation*:file duration:i width:i height:i thumbnail:file has_spoiler:b",
    "sendDocument": SENT
    + CAPTION.replace("show_caption_above_media:b ", "")
    + "document*:file thumbnail:file disable_content_type_detection:b",
    "sendAudio": SENT
    + CAPTION.replace("show_caption_above_media:b ", "")
    + "audio*:file duration:i performer:s title:s thumbnail:file",
    "sendVoice": SENT + CAPTION.replace("show_caption_above_media:b ", "") + "voice*:file duration:i",
    "sendVideoNote": SENT + "video_note*:file duration:i length:i thumbnail:file",
    "sendSticker": SENT + "sticker*:file emoji:s",
    "sendMediaGroup": ALBUM + "media*:j",
    "sendLocation": SENT + "latitude*:f longitude*:f horizontal_accuracy:f live_period:i heading:i "
    "proximity_alert_radius:i",
    "sendVenue": SENT + "latitude*:f longitude*:f title*:s address*:s foursquare_id:s foursquare_type:s "
    "google_place_id:s google_place_type:s",
    "sendContact": SENT + "phone_number*:s first_name*:s last_name:s vcard:s",
    "sendPoll": SENT.replace("suggested_post_parameters:j ", "").replace("direct_messages_topic_id:i ", "")
    + "question*:s question_parse_mode:s question_entities:j options*:j is_anonymous:b type:s "
    "allows_multiple_answers:b allows_revoting:b shuffle_options:b allow_adding_options:b "
    "hide_results_until_closes:b members_only:b country_codes:j correct_option_ids:j explanation:s "
    "explanation_parse_mode:s explanation_entities:j explanation_media:j open_period:i close_date:i "
    "is_closed:b "
    "description:s description_parse_mode:s description_entities:j media:j",
    "sendDice": SENT + "emoji:s",
    "sendChatAction": "business_connection_id:s chat_id*:id message_thread_id:i action*:s",
    "editMessageText": EDITED + "text:s parse_mode:s entities:j link_preview_options:j rich_message:j",
    "editMessageCaption": EDITED + CAPTION,
    "editMessageReplyMarkup": EDITED,
    "editMessageMedia": EDITED + "media*:j",
    "deleteMessage": "chat_id*:id message_id*:i",
    "deleteMessages": "chat_id*:id message_ids*:j",
    "forwardMessage": CARRIED
    + "video_start_timestamp:i message_effect_id:s suggested_post_parameters:j message_id*:i",
    "copyMessage": CARRIED + CAPTION + "video_start_timestamp:i allow_paid_broadcast:b message_effect_id:s "
    "suggested_post_parameters:j reply_parameters:j reply_markup:j message_id*:i",
    "answerCallbackQuery": "callback_query_id*:s text:s show_alert:b url:s cache_time:i",
    "setMessageReaction": "chat_id*:id message_id*:i reaction:j is_big:b",
    "getFile": "file_id*:s",
    "getChat": "chat_id*:id",
    "getUserProfilePhotos": "user_id*:i offset:i limit:i",
    "getChatMember": "chat_id*:id user_id*:i",
    "getChatMemberCount": "chat_id*:id",
    "getBusinessConnection": "business_connection_id*:s",
    "readBusinessMessage": "business_connection_id*:s chat_id*:i message_id*:i",
    "deleteBusinessMessages": "business_connection_id*:s message_ids*:j",
    "setMyCommands": "commands*:j scope:j language_code:s",
    "getMyCommands": "scope:j language_code:s",
    "deleteMyCommands": "scope:j language_code:s",
}


def spec(method: str) -> dict[str, tuple[str, bool]]:
    """Parameters of a method: name -> (type, required)."""
    made = {}
    for word in METHODS[method].split():
        name, _, kind = word.partition(":")
        made[name.rstrip("*")] = (kind, name.endswith("*"))
    return made


SPECS = {method: spec(method) for method in METHODS}


def read(method: str, fields: Json, files: dict[str, Upload]) -> Json:
    """Typed parameters; unknown ones are left out, as Telegram does. Raises BotError 400."""
    values: Json = {}
    for name, (kind, required) in SPECS[method].items():
        value = files.get(name, fields.get(name))
        if value is None or (isinstance(value, str) and not value):
            if required and not (name == "url" and value == ""):
                raise BotError(400, _missing(name))
            continue
        values[name] = _typed(name, kind, value)
    return values


def _missing(name: str) -> str:
    words = {"text": "message text is empty", "chat_id": "chat_id is empty"}
    return "Bad Request: " + words.get(name, f'parameter "{name}" is required')


def _typed(name: str, kind: str, value: Any) -> Any:
    try:
        if kind == "i":
            return int(value)
        if kind == "f":
            return float(value)
        if kind == "b":
            return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes"}
        if kind == "id":
            return str(value) if str(value).startswith("@") else int(value)
        if kind == "j":
            return json.loads(value) if isinstance(value, str) else value
        if kind == "s" and not isinstance(value, str | int | float):
            raise TypeError
        return value if kind == "file" else str(value)
    except (TypeError, ValueError) as error:
        if name == "chat_id":
            raise BotError(400, "Bad Request: chat not found") from error
        raise BotError(400, f'Bad Request: can\'t parse parameter "{name}"') from error
