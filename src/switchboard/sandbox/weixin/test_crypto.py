"""Encryption against two public libraries, byte by byte where they leave room."""

import base64

import pytest
from wechatpy.crypto import PrpCrypto as WechatpyBox  # type: ignore[import-untyped]  # publishes no types
from werobot.crypto import PrpCrypto as WeRoBotBox  # type: ignore[import-untyped]  # publishes no types

from switchboard.sandbox.weixin import crypto

KEY = crypto.new_key()
RAW = base64.b64decode(KEY + "=")
APP = "wx0123456789abcdef"


@pytest.mark.parametrize("length", range(70))
def test_what_one_side_seals_the_other_opens(length: int) -> None:
    text = "好"[:length] + "x" * max(0, length - 1)
    sealed = crypto.encrypt(KEY, text.encode(), APP)
    assert len(base64.b64decode(sealed)) % 32 == 0
    for box in (WechatpyBox(RAW), WeRoBotBox(RAW)):
        opened = box.decrypt(sealed, APP)
        assert (opened.decode() if isinstance(opened, bytes) else opened) == text
        theirs = box.encrypt(text, APP)
        theirs = theirs.decode() if isinstance(theirs, bytes) else theirs
        assert crypto.decrypt(KEY, theirs, APP).decode() == text


def test_nothing_else_is_opened() -> None:
    sealed = crypto.encrypt(KEY, b"<xml></xml>", APP)
    cipher = base64.b64decode(sealed)
    wrong = [
        (crypto.new_key(), sealed, APP),
        (KEY, sealed, "wx1"),
        (KEY, base64.b64encode(cipher[:-1]).decode(), APP),
        (KEY, base64.b64encode(cipher[:-32]).decode(), APP),
        (KEY, base64.b64encode(cipher[:-1] + bytes([cipher[-1] ^ 1])).decode(), APP),
        (KEY, "", APP),
        (KEY, "!", APP),
        ("short", sealed, APP),
    ]
    for key, text, receiver in wrong:
        with pytest.raises(crypto.Unreadable):
            crypto.decrypt(key, text, receiver)
