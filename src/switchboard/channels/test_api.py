"""What the protocol's module does itself: reading JSON from outside, keeping secrets out of texts."""

from typing import Annotated, Any

import msgspec
import pytest

from switchboard.channels.api import BadPayload, decode, field, redact, secret, secrets_of


class Config(msgspec.Struct, frozen=True):
    """A configuration with two secrets, one of which begins like the other."""

    name: Annotated[str, field("Name", "名称")]
    token: Annotated[str, secret("Token", "令牌")]
    longer: Annotated[str, secret("Longer", "更长")]
    empty: Annotated[str, secret("Empty", "空")] = ""


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, "x", null]}', {"a": [1, "x", None]}),
        (rb'["\ud83d\ude00"]', ["😀"]),
        (rb'["cut \ud83d", {"\udc00": 1}]', ["cut �", {"�": 1}]),
        (rb'["\ud83d", 1e999]', ["�", float("inf")]),
        (b"[" + b"9" * 5000 + b"]", ["9" * 5000]),
        (b"[1" + b"0" * 30 + b"]", [10**30]),
    ],
)
def test_json_from_outside_is_read(body: bytes, value: Any) -> None:
    assert decode(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'["\xff"]', b"[" * 100_000, b"{} {}", b"<a/>"])
def test_what_is_no_json_is_a_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        decode(body)


def test_secrets_are_kept_out_of_texts() -> None:
    config = Config("shop", "abc", "abcdef")
    assert secrets_of(config) == ["abcdef", "abc"]
    assert redact("abcdef and abc of shop", secrets_of(config)) == "… and … of shop"
