"""The phone page in a real browser."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from switchboard.sandbox.conftest import Hook, Running

CHROMIUM = (
    os.environ.get("SWITCHBOARD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)


@pytest.fixture
def phone(sandbox: Running) -> Iterator[Page]:
    if not CHROMIUM:
        pytest.skip("no Chromium; set SWITCHBOARD_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(locale="en", viewport={"width": 1280, "height": 720}).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
    assert faults == []


def test_a_person_plays_the_customer(sandbox: Running, hook: Hook, phone: Page) -> None:
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", phone="4915112345678")
    number = sandbox.post("/sandbox/whatsapp/numbers", webhook_url=hook.url, verified_name="Tea shop")
    phone.goto(sandbox.url)
    phone.get_by_placeholder("Message").fill("你好 <b>hi</b>")
    phone.get_by_placeholder("Message").press("Enter")
    expect(phone.locator(".mine .text")).to_have_text("你好 <b>hi</b>")
    bodies = hook.wait(len)
    assert bodies[0]["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] == "你好 <b>hi</b>"

    def send(**body: Any) -> None:
        message = {"messaging_product": "whatsapp", "to": "4915112345678", **body}
        answer = sandbox.http.post(
            f"/v23.0/{number['id']}/messages",
            json=message,
            headers={"authorization": f"Bearer {number['token']}"},
        )
        assert answer.status_code == 200, answer.text

    rows = [{"id": "a", "title": "Green", "description": "fresh"}, {"id": "b", "title": "Black"}]
    action = {"button": "See teas", "sections": [{"title": "Teas", "rows": rows}]}
    send(type="interactive", interactive={"type": "list", "body": {"text": "Which tea?"}, "action": action})
    phone.get_by_role("button", name="See teas").click()
    phone.get_by_role("button", name="Green fresh").click()
    expect(phone.locator(".mine .text").last).to_have_text("Green")
    hook.wait(lambda bodies: '"list_reply": {"id": "a"' in str(bodies).replace("'", '"'))
    hook.wait(lambda bodies: '"status": "read"' in str(bodies).replace("'", '"'))

    phone.locator(".theirs .bubble").first.dblclick()
    phone.get_by_role("button", name="👍").click()
    expect(phone.locator(".reactions")).to_have_text("👍")
    phone.get_by_role("button", name="Attach").click()
    phone.get_by_role("button", name="Location").click()
    phone.get_by_role("button", name="The Bund, Shanghai").click()
    expect(phone.locator(".map b")).to_have_text("The Bund, Shanghai")

    phone.get_by_role("button", name="中文").click()
    expect(phone.get_by_placeholder("消息")).to_be_visible()
    phone.get_by_role("button", name="邮件").click()
    phone.get_by_role("button", name="创建账号").click()
    phone.get_by_placeholder("主题").fill("发票")
    phone.get_by_placeholder("消息").fill("请补开发票")
    phone.get_by_role("button", name="发送").click()
    expect(phone.locator(".bubble-title")).to_have_text("发票")
    [box] = [a for a in sandbox.get("/sandbox/state")["accounts"] if a["platform"] == "email"]
    assert box["mails"] == 1


def test_telegram_buttons_and_keyboard(sandbox: Running, phone: Page) -> None:
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee", telegram_id=5)
    bot = sandbox.post("/sandbox/telegram/bots", token="79:abcdefghijklmnop")
    phone.goto(sandbox.url)
    phone.get_by_placeholder("Message").fill("/start")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.locator(".mine .text")).to_have_text("/start")
    call = f"/bot{bot['token']}/"
    sandbox.post(
        call + "sendMessage",
        chat_id=5,
        text="Sure?",
        reply_markup={"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]},
    )
    phone.get_by_role("button", name="Yes").click()
    query = sandbox.get(call + "getUpdates?timeout=5&offset=2")["result"][0]["callback_query"]
    sandbox.post(call + "answerCallbackQuery", callback_query_id=query["id"], text="Noted")
    expect(phone.locator("#toast")).to_have_text("Noted")
    sandbox.post(
        call + "sendMessage",
        chat_id=5,
        text="Number?",
        reply_markup={"keyboard": [[{"text": "My number", "request_contact": True}]]},
    )
    phone.get_by_role("button", name="My number").click()
    expect(phone.locator(".mine .card-row")).to_be_visible()


def test_typing_survives_what_happens_around(sandbox: Running, phone: Page) -> None:
    sandbox.post("/sandbox/customers", id="ann", name="Ann Lee")
    number = sandbox.post("/sandbox/whatsapp/numbers")
    phone.goto(sandbox.url)
    field = phone.get_by_placeholder("Message")
    field.fill("half a sen")
    sandbox.post("/sandbox/faults", kind="http", code=502)
    sandbox.post("/sandbox/custom", id="till")
    sandbox.play(number, "ann", text="from elsewhere")
    expect(phone.locator(".armed")).to_have_count(1)
    expect(phone.locator(".mine .text")).to_have_text("from elsewhere")
    phone.wait_for_timeout(600)
    phone.keyboard.type("tence")
    expect(field).to_have_value("half a sentence")
    phone.get_by_role("button", name="Telegram").click()
    phone.get_by_role("button", name="WhatsApp").click()
    expect(phone.get_by_placeholder("Message")).to_have_value("half a sentence")
