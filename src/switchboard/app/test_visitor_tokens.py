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
