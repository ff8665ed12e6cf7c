"""SMTP and POP3 with Python's own clients, which know nothing of the sandbox."""

import poplib
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from switchboard.sandbox.conftest import Running


@pytest.fixture
def box(sandbox: Running) -> dict[str, Any]:
    sandbox.post("/sandbox/customers", id="ann", name="Ann 安", email="ann@customers.example")
    return sandbox.post("/sandbox/mailboxes", address="help@shop.example", password="pass word")


def smtp(box: dict[str, Any]) -> smtplib.SMTP:
    client = smtplib.SMTP(box["smtp"]["host"], box["smtp"]["port"], timeout=10)
    client.login("help@shop.example", "pass word")
    return client


def letter(subject: str = "Re: Question") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "help@shop.example", "ann@customers.example", subject
    made["Message-ID"] = "<1@shop.example>"
    made.set_content("你好，\n.dot\n")
    made.add_attachment(b"PNG", maintype="image", subtype="png", filename="a.png")
    return made


def test_customer_writes_and_the_mail_is_fetched_once(sandbox: Running, box: dict[str, Any]) -> None:
    key = sandbox.upload("a.txt", b"text", "text/plain")
    [first] = sandbox.play(box, "ann", subject="问题", text="Where is it?\n.\n..dots", file=key)
    client = poplib.POP3(box["pop3"]["host"], box["pop3"]["port"], timeout=10)
    client.user("help@shop.example")
    with pytest.raises(poplib.error_proto):
        client.pass_("wrong")
    client.user("help@shop.example")
    client.pass_("pass word")
    assert client.stat()[0] == 1
    uid = client.uidl()[1][0].split()[1]
    mail = message_from_bytes(b"\r\n".join(client.retr(1)[1]), policy=policy.default)
    assert (mail["Subject"], mail["Message-ID"]) == ("问题", first)
    body = mail.get_body()
    assert body is not None
    assert body.get_content().split() == ["Where", "is", "it?", ".", "..dots"]
    assert [a.get_content() for a in mail.iter_attachments()] == ["text"]
    assert b"Where is it?" not in b"\n".join(client.top(1, 0)[1])
    client.dele(1)
    client.quit()
    sandbox.play(box, "ann", text="again")
    client = poplib.POP3(box["pop3"]["host"], box["pop3"]["port"], timeout=10)
    client.user("help@shop.example")
    client.pass_("pass word")
    assert client.uidl()[1][0].split()[1] != uid
    mail = message_from_bytes(b"\r\n".join(client.retr(1)[1]), policy=policy.default)
    assert (mail["In-Reply-To"], mail["Subject"]) == (first, "Re: 问题")
    client.quit()


def test_product_answers_by_mail(sandbox: Running, box: dict[str, Any]) -> None:
    with smtp(box) as client:
        client.send_message(letter())
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("boss@shop.example", ["ann@customers.example"], b"x")
    [entry] = sandbox.ledger()
    assert (entry["id"], entry["platform"], entry["to"]) == (
        "<1@shop.example>",
        "email",
        "ann@customers.example",
    )
    [bubble] = sandbox.bubbles(box, "ann")
    assert bubble["title"] == "Re: Question"
    assert bubble["text"] == "你好，\n.dot"
    assert bubble["attachments"][0]["name"] == "a.png"


def test_smtp_wants_a_password(sandbox: Running, box: dict[str, Any]) -> None:
    with smtplib.SMTP(box["smtp"]["host"], box["smtp"]["port"], timeout=10) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("help@shop.example", "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.send_message(letter())
    assert sandbox.ledger() == []


def test_smtp_failures_on_demand(sandbox: Running, box: dict[str, Any]) -> None:
    sandbox.post("/sandbox/faults", kind="error", code=451, platform="email")
    with smtp(box) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(letter())
        assert refused.value.smtp_code == 451
    sandbox.post("/sandbox/faults", kind="drop_after", platform="email")
    client = smtp(box)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(letter())
    client.close()
    [entry] = sandbox.ledger()
    assert entry["answered"] is False
