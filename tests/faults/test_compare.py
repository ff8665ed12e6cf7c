"""The comparer itself: a witness that cannot accuse is none."""

from tests.faults.compare import delivered, disordered, doubled, lost, strangers, table

SAID = {"ann": ["ann 1", "ann 2", "ann 3"], "bo": ["bo 1"]}
ALL = ["ann 1", "bo 1", "ann 2", "ann 3"]


def test_what_agrees_is_fine() -> None:
    findings = [
        lost("a", ALL, ALL),
        doubled("b", ALL),
        strangers("c", ALL, set(ALL)),
        disordered("d", SAID, ALL),
        *delivered(["x"], {"x": "sent"}, ["x"]),
    ]
    assert all(one.ok for one in findings)
    assert "looked at" in table(findings)


def test_a_loss_a_doubling_and_a_stranger_are_found() -> None:
    assert lost("", ALL, ALL[1:]).wrong == ["ann 1"]
    assert doubled("", [*ALL, "bo 1"]).wrong == ["bo 1 ×2"]
    assert strangers("", [*ALL, "eve 1"], set(ALL)).wrong == ["eve 1"]


def test_a_wrong_order_is_found_per_sender_only() -> None:
    assert disordered("", SAID, ["bo 1", "ann 1", "ann 3", "ann 2"]).wrong == ["ann 3 stands before ann 2"]
    assert disordered("", SAID, ["ann 1", "ann 2", "bo 1", "ann 3"]).ok
    assert disordered("", SAID, ["ann 1", "ann 3"]).ok


def test_an_answer_must_arrive_or_be_shown_as_doubtful() -> None:
    ended, reached, doubt = delivered(
        ["a", "b", "c", "d"], {"a": "sent", "b": "in_doubt", "c": "queued", "d": "failed"}, ["b"]
    )
    assert ended.wrong == ["c: queued"]
    assert reached.wrong == ["a"]
    assert (doubt.looked_at, doubt.note) == (2, "1 of them did arrive")
    assert delivered(["gone"], {}, [])[0].wrong == ["gone: unknown"]
