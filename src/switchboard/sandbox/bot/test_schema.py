"""Our parameters and objects against the machine-readable Bot API, where a copy of it is at hand."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from switchboard.sandbox.bot import params
from switchboard.sandbox.conftest import Hook, Running

Json = dict[str, Any]
SAMPLES = Path(os.environ.get("SWITCHBOARD_SAMPLES") or Path(__file__).parents[5] / "shared" / "samples")
SCHEMA = SAMPLES / "telegram" / "bot-api-10.1.min.json"
KINDS = {"String": "s", "Integer": "i", "Float": "f", "Boolean": "b", "InputFile": "file"}
SCALARS: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
    "True": (bool,),
}


@pytest.fixture(scope="module")
def schema() -> Json:
    if not SCHEMA.exists():
        pytest.skip("no copy of the Bot API schema; set SWITCHBOARD_SAMPLES")
    made: Json = json.loads(SCHEMA.read_bytes())
    return made


def _fewest(tries: list[list[str]]) -> list[str]:
    return min(tries, key=len)


def problems(schema: Json, value: Any, name: str, where: str) -> list[str]:
    """What does not fit the type of this name."""
    if name.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [p for i, v in enumerate(value) for p in problems(schema, v, name[9:], f"{where}[{i}]")]
    if name in SCALARS:
        wrong = not isinstance(value, SCALARS[name]) or (
            isinstance(value, bool) and name != "Boolean" and name != "True"
        )
        return [f"{where}: {value!r} is not {name}"] if wrong else []
    kind = schema["types"][name]
    if kind.get("subtypes"):
        tries = [problems(schema, value, s, where) for s in kind["subtypes"]]
        return _fewest(tries)
    fields = {f["name"]: f for f in kind.get("fields", [])}
    found = [f"{where}.{k}: unknown in {name}" for k in value if k not in fields]
    found += [f"{where}.{k}: missing" for k, f in fields.items() if f.get("required") and k not in value]
    for key, inner in value.items():
        if key in fields:
            tries = [problems(schema, inner, t, f"{where}.{key}") for t in fields[key]["types"]]
            found += _fewest(tries)
    return found


def test_parameters_are_those_of_the_api(schema: Json) -> None:
    for method, ours in params.SPECS.items():
        theirs = {f["name"]: f for f in schema["methods"][method].get("fields", [])}
        assert set(ours) == set(theirs), method
        for name, (kind, required) in ours.items():
            assert required == bool(theirs[name].get("required")), f"{method}.{name}"
            types = theirs[name]["types"]
            if "InputFile" in types:
                assert kind == "file", f"{method}.{name}"
            elif set(types) == {"Integer", "String"}:
                assert kind == "id", f"{method}.{name}"
            else:
                assert kind == KINDS.get(types[0], "j"), f"{method}.{name}"


def test_updates_fit_their_types(schema: Json, sandbox: Running, hook: Hook) -> None:
    bot = sandbox.post("/sandbox/telegram/bots", token="77:abcdefghijklmnop")
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", telegram_id=5)
    call = f"/bot{bot['token']}/"
    wanted = [
        "message",
        "edited_message",
        "callback_query",
        "message_reaction",
        "my_chat_member",
        "channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
    ]
    sandbox.post(call + "setWebhook", url="", allowed_updates=wanted)
    picture = sandbox.upload("a.png", b"png", "image/png")
    for kind in ("image", "video", "animation", "audio", "voice", "document", "sticker", "video_note"):
        sandbox.play(bot, "ann", type=kind, file=picture)
    sandbox.play(bot, "ann", type="document", files=[picture, picture], text="album")
    for kind in ("location", "contact", "dice", "unsupported"):
        sandbox.play(bot, "ann", type=kind)
    sandbox.play(
        bot, "ann", type="location", location={"latitude": 1.5, "longitude": 2.5, "name": "X", "address": "Y"}
    )
    [first] = sandbox.play(bot, "ann", text="/start", forwarded=True)
    sandbox.play(bot, "ann", text="answer", reply_to=first)
    sandbox.play(bot, "ann", type="edit", target=first, text="changed")
    sandbox.play(bot, "ann", type="reaction", target=first, emoji="👍")
    keys = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    sent = sandbox.post(call + "sendMessage", chat_id=5, text="x", reply_markup=keys)["result"]
    sandbox.play(bot, "ann", type="press", reply_to=str(sent["message_id"]), button="0.0")
    channel = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/groups", type="channel")
    sandbox.post("/sandbox/play", platform="telegram", account=bot["id"], group=channel["id"], text="news")
    one = sandbox.post(f"/sandbox/telegram/bots/{bot['id']}/connections")["id"]
    [own] = sandbox.play(bot, "ann", text="x", business_connection_id=one)
    sandbox.play(bot, "ann", type="edit", target=own, text="y", business_connection_id=one)
    sandbox.play(bot, "ann", type="revoke", target=own, business_connection_id=one)
    sandbox.play(bot, "ann", action="block")
    updates = sandbox.get(call + "getUpdates")["result"]
    assert {k for u in updates for k in u} - {"update_id"} == set(wanted)
    assert [p for u in updates for p in problems(schema, u, "Update", "update")] == []


def test_answers_fit_their_types(schema: Json, sandbox: Running) -> None:
    bot = sandbox.post("/sandbox/telegram/bots", token="78:abcdefghijklmnop")
    sandbox.post("/sandbox/customers", id="ann", name="Ann", telegram_id=5)
    sandbox.play(bot, "ann", text="hi")
    calls: dict[str, Json] = {
        "sendMessage": {"text": "x", "reply_parameters": {"message_id": 1}},
        "sendLocation": {"latitude": 1.5, "longitude": 2.5},
        "sendVenue": {"latitude": 1, "longitude": 2, "title": "T", "address": "A"},
        "sendContact": {"phone_number": "1", "first_name": "A"},
        "sendPoll": {"question": "?", "options": [{"text": "a"}]},
        "sendDice": {},
        "getChat": {},
        "getChatMember": {"user_id": 5},
        "getUserProfilePhotos": {"user_id": 5},
        "getMe": {},
        "getWebhookInfo": {},
        "editMessageText": {"message_id": 2, "text": "y"},
        "forwardMessage": {"from_chat_id": 5, "message_id": 1},
        "copyMessage": {"from_chat_id": 5, "message_id": 1},
    }
    for method, values in calls.items():
        result = sandbox.post(f"/bot{bot['token']}/{method}", chat_id=5, **values)["result"]
        assert problems(schema, result, schema["methods"][method]["returns"][0], method) == []
