"""Texts as platforms write them, with made-up secrets inside."""

import pytest

from switchboard.net.redaction import redact

SECRET = "s3cr3t-Value-0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{SECRET}@api.example/x",
        f"GET https://api.example/bot{SECRET}/sendMessage failed",
        f"https://api.example?access_token={SECRET}&x=1",
        f"Authorization: Bearer {SECRET}",
        f'{{"access_token": "{SECRET}"}}',
        f"client_secret={SECRET}&grant_type=x",
        f"X-Api-Key: {SECRET}",
        f"password = {SECRET}",
        "bot token 123456789:AAabcdefghijklmnopqrstuvwxyz0123456 s3cr3t",
    ],
)
def test_takes_out_what_looks_secret(text: str) -> None:
    cleaned = redact(text.replace("AAabcdefghijklmnopqrstuvwxyz0123456 s3cr3t", "AA" + "bC3" * 11))
    assert SECRET not in cleaned
    assert "bC3bC3" not in cleaned
    assert "[…]" in cleaned


def test_takes_out_given_secrets_wherever_they_are() -> None:
    assert redact("odd hunter2hunter2 place", ["hunter2hunter2", "hunter2"]) == "odd […] place"


@pytest.mark.parametrize(
    "text",
    [
        "Error validating access token: Session has expired on Tuesday",
        "The password is wrong",
        "(#131047) Re-engagement message",
        "https://api.example: no answer in time",
        "令牌无效",
    ],
)
def test_leaves_prose_alone(text: str) -> None:
    assert redact(text) == text


def test_is_bounded() -> None:
    assert len(redact("token=" * 200_000)) <= 500
