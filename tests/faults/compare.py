"""Two accounts of one day held against each other, as sets and in order. Knows nothing of the product."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

DOUBT = ("in_doubt", "failed")
SENT = ("sent", "delivered", "read")


class Finding(msgspec.Struct, frozen=True):
    """One check: how many items it looked at and which of them are wrong, in what way."""

    check: str
    looked_at: int
    wrong: list[str] = []
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.wrong


def lost(check: str, promised: Iterable[str], found: Iterable[str]) -> Finding:
    """What was promised is there."""
    wanted, there = list(promised), set(found)
    return Finding(check, len(wanted), [one for one in wanted if one not in there])


def doubled(check: str, found: Iterable[str]) -> Finding:
    """Nothing is there more than once."""
    counts = Counter(found)
    return Finding(check, sum(counts.values()), [f"{one} ×{n}" for one, n in counts.items() if n > 1])


def strangers(check: str, found: Iterable[str], sent: set[str]) -> Finding:
    """Nothing is there that nobody sent."""
    there = list(found)
    return Finding(check, len(there), [one for one in there if one not in sent])


def disordered(check: str, promised: Mapping[str, Sequence[str]], found: Sequence[str]) -> Finding:
    """What each one said stands in the order in which it was said; what is missing is not asked here."""
    place: dict[str, int] = {}
    for nr, one in enumerate(found):
        place.setdefault(one, nr)
    wrong: list[str] = []
    for texts in promised.values():
        highest, before = -1, ""
        for text in texts:
            if text not in place:
                continue
            if place[text] < highest:
                wrong.append(f"{text} stands before {before}")
            else:
                highest, before = place[text], text
    return Finding(check, sum(map(len, promised.values())), wrong)


def delivered(answers: Iterable[str], statuses: Mapping[str, str], received: Iterable[str]) -> list[Finding]:
    """Each answer reached the customer once, unless the agent is told that this is doubtful or failed."""
    counts = Counter(received)
    texts = list(answers)
    unsent = [
        f"{text}: {statuses.get(text, 'unknown')}"
        for text in texts
        if statuses.get(text) not in (*SENT, *DOUBT)
    ]
    missing = [text for text in texts if statuses.get(text) in SENT and counts[text] == 0]
    doubtful = [text for text in texts if statuses.get(text) in DOUBT]
    arrived = sum(1 for text in doubtful if counts[text])
    return [
        Finding("answers: every one ended", len(texts), unsent),
        Finding("answers shown as sent: reached the customer", len(texts) - len(doubtful), missing),
        Finding("answers shown as failed or in doubt", len(doubtful), note=f"{arrived} of them did arrive"),
    ]


def table(findings: Sequence[Finding]) -> str:
    """The findings for people."""
    width = max(len(one.check) for one in findings)
    lines = [f"{'check':{width}}  {'looked at':>9}  {'wrong':>5}"]
    for one in findings:
        lines.append(f"{one.check:{width}}  {one.looked_at:9}  {len(one.wrong):5}  {one.note}".rstrip())
        lines += [f"    {wrong}" for wrong in one.wrong[:8]]
    return "\n".join(lines)
