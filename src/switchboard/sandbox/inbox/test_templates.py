"""facebook-business against the sandbox once more: message templates of a page, and what a token is good for."""

from typing import Any

from facebook_business.adobjects.page import Page  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.test_inbox_clients import DAY, Shop, failed, fb, send

__all__ = ["fb"]


def test_templates_are_made_reviewed_and_sent(fb: Shop) -> None:
    fields = ["messages", "messaging_postbacks", "message_template_status_update"]
    own = Page(fb.account["id"], api=fb.own)
    own.create_subscribed_app(params={"subscribed_fields": fields})
    body = {"type": "BODY", "text": "Parcel {{1}} waits for you.", "example": {"body_text": [["4711"]]}}
    buttons = {
        "type": "BUTTONS",
        "buttons": [{"type": "POSTBACK", "text": "Later", "payload": "later_{{1}}"}],
    }
    made = {"name": "parcel", "language": "en", "category": "UTILITY", "components": [body, buttons]}
    own.create_message_template(params=made)
    (change,) = fb.entry()["changes"]
    assert (change["field"], change["value"]["event"]) == ("message_template_status_update", "APPROVED")
    assert {one["name"] for one in own.get_message_templates()} == {"order_update", "appointment", "parcel"}
    (listed,) = own.get_message_templates(params={"name": "parcel"})
    assert listed["status"] == "APPROVED"
    quick = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Later"}]}
    for wrong, subcode in (
        ({}, 2388024),
        ({"name": "b", "components": [{**body, "text": "{{1}} waits"}]}, 2388299),
        ({"name": "b", "components": [{**body, "text": "Parcel {{2}} waits"}]}, 2388072),
        ({"name": "b", "components": [{"type": "BODY", "text": "Parcel {{1}} waits"}]}, 2388043),
        ({"name": "b", "components": [body, quick]}, 2018416),
    ):
        with failed(100, subcode):
            own.create_message_template(params={**made, **wrong})
    ann = fb.item(text="hi")["sender"]["id"]
    fb.sandbox.post("/sandbox/clock", shift_seconds=30 * DAY)
    values = [{"type": "body", "parameters": [{"type": "text", "text": "4711"}]}]
    press = {"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "4711"}]}
    template = {"name": "parcel", "language": {"code": "en"}, "components": [*values, press]}
    utility = {"messaging_type": "UTILITY"}
    sent = send(fb, ann, {"template": template}, **utility)
    pressed = fb.item(type="press", reply_to=sent["message_id"], button="0")
    assert (pressed["postback"]["payload"], pressed["postback"]["title"]) == ("later_4711", "Later")
    with failed(100, 1893029):
        send(fb, ann, {"template": {**template, "components": values}}, **utility)
    with failed(100):
        send(fb, ann, {"template": {**template, "components": [{**press, "index": 0}]}}, **utility)
    with failed(100):
        send(fb, ann, {"template": template})
    own.delete_message_templates(params={"name": "parcel"})
    with failed(100):
        send(fb, ann, {"template": template}, **utility)
    product = {"template_type": "product", "elements": [{"id": "5412345678901234"}]}
    send(fb, ann, {"attachment": {"type": "template", "payload": product}})
    with failed(100, 2018320):
        foreign = {**product, "elements": [{"id": "1"}]}
        send(fb, ann, {"attachment": {"type": "template", "payload": foreign}})
    assert [entry["kind"] for entry in fb.sandbox.ledger()] == ["template", "template"]


def test_a_token_says_how_long_it_lives_and_ends(fb: Shop) -> None:
    now = int(fb.sandbox.post("/sandbox/clock", shift_seconds=0)["now"])

    def change(**settings: Any) -> None:
        fb.sandbox.post("/sandbox/platforms/messenger", id=fb.account["id"], settings=settings)

    app = fb.api(f"{fb.settings['app_id']}|{fb.settings['app_secret']}")
    user = fb.api(fb.settings["access_token"])
    asked = {"input_token": fb.settings["access_token"]}
    told = app.call("GET", ("debug_token",), params=asked).json()["data"]
    assert (told["is_valid"], told["expires_at"], told["type"]) == (True, 0, "SYSTEM_USER")
    assert "pages_messaging" in told["scopes"]
    change(token_expires_at=now + 3 * DAY, scopes=["pages_messaging"])
    told = user.call("GET", ("debug_token",), params=asked).json()["data"]
    assert (told["expires_at"], told["scopes"]) == (now + 3 * DAY, ["pages_messaging"])
    page = {"input_token": fb.settings["page_token"]}
    told = app.call("GET", ("debug_token",), params=page).json()["data"]
    assert (told["type"], told["profile_id"], told["expires_at"]) == ("PAGE", fb.account["id"], 0)
    foreign = app.call("GET", ("debug_token",), params={"input_token": "EAAforeign"}).json()["data"]
    assert (foreign["is_valid"], foreign["error"]["code"]) == (False, 190)
    fb.sandbox.post("/sandbox/clock", shift_seconds=3 * DAY + 1)
    assert app.call("GET", ("debug_token",), params=asked).json()["data"]["is_valid"] is False
    with failed(190, 463):
        user.call("GET", ("me", "accounts"))
    fb.own.call("GET", ("me",))


ODD: tuple[Any, ...] = (
    [],
    {},
    7,
    "x",
    None,
    [1],
    [[]],
    {"type": []},
    [{"type": "BUTTONS", "buttons": [1]}],
    [{"type": "body", "parameters": 1}],
)


def test_whatever_is_sent_is_answered_as_meta_does(fb: Shop) -> None:
    ann = fb.item(text="hi")["sender"]["id"]
    headers = {"authorization": f"Bearer {fb.settings['page_token']}"}
    path, known = f"/v24.0/{fb.account['id']}", {"name": "order_update", "language": {"code": "en"}}
    for number, odd in enumerate(ODD):
        body = {"type": "BODY", "text": "Hello you"}
        made = {"name": f"odd_{number}", "language": "en", "category": "UTILITY"}
        bodies: list[tuple[str, Any]] = [
            ("message_templates", {**made, "components": odd}),
            ("message_templates", {**made, "name": f"more_{number}", "components": [body, odd]}),
            ("message_templates", {**made, "name": f"lib_{number}", "library_template_name": odd or "x"}),
            ("message_templates", {**made, "name": f"in_{number}", "components": [body, *(odd or ())]})
            if isinstance(odd, list)
            else ("message_templates", {**made, "components": {"type": odd}}),
        ]
        messages: list[Any] = [
            {"template": odd},
            {"template": {**known, "language": odd}},
            {"template": {**known, "components": odd or 7}},
            {"attachment": {"type": "template", "payload": {"template_type": "product", "elements": odd}}},
            {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": odd}}},
            {"attachment": {"type": "template", "payload": odd}},
            {"text": "x", "quick_replies": odd if odd is not None else 7},
        ]
        bodies += [("messages", {"recipient": {"id": ann}, "message": message}) for message in messages]
        for edge, sent in bodies:
            answer = fb.sandbox.http.post(f"{path}/{edge}", json=sent, headers=headers)
            assert answer.status_code < 500, (edge, sent)
            error = answer.json().get("error", {"code": 100})
            assert error["code"] == 100, (edge, sent, error)
    assert fb.sandbox.ledger() == []
