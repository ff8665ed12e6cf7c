"""A token speaks for one visitor of one site, and only if we made it."""

from switchboard.app.visitor_tokens import VisitorTokens

TOKENS = VisitorTokens(b"k" * 32)


def test_a_token_is_one_visitor() -> None:
    token = TOKENS.make("site")
    assert TOKENS.visitor("site", token) == TOKENS.visitor("site", token)
    assert TOKENS.visitor("site", token) != TOKENS.visitor("site", TOKENS.make("site"))


def test_nobody_else_can_make_one() -> None:
    token = TOKENS.make("site")
    flipped = token[:-1] + ("0" if token[-1] != "0" else "1")
    for stranger in (
        "",
        ".",
        "a" * 60,
        flipped,
        VisitorTokens(b"x" * 32).make("site"),
        token.split(".")[0],
        "é.ü",
    ):
        assert TOKENS.visitor("site", stranger) is None
    assert TOKENS.visitor("other", token) is None
    assert TOKENS.visitor("site", f"{token}.{'0' * 32}") is None


def test_a_users_tokens_are_one_visitor_and_nobody_elses() -> None:
    """Two devices of one member share a history; an unknown visitor's token, or another member's, is not theirs."""
    phone, desk, other = TOKENS.make("site", "u1"), TOKENS.make("site", "u1"), TOKENS.make("site", "u2")
    assert TOKENS.visitor("site", phone) == TOKENS.visitor("site", desk)
    assert TOKENS.visitor("site", phone) not in (None, TOKENS.visitor("site", other))
    assert TOKENS.is_of("site", phone, "u1")
    assert not TOKENS.is_of("site", phone, "u2")
    assert not TOKENS.is_of("site", phone, "")
    assert not TOKENS.is_of("site", TOKENS.make("site"), "u1")
    assert TOKENS.is_of("site", TOKENS.make("site"), "")
