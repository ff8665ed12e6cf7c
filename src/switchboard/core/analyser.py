"""Search analyser: turns text into terms for PostgreSQL's `tsvector`, and questions into `tsquery`. Pure.

Scripts written without spaces (Han, kana, Hangul, Thai, Lao, Khmer, Myanmar) become overlapping pairs of
characters, so that every two-character word is found without a dictionary; the last character of a run is a
term of its own, so that a prefix search for one character finds it anywhere. Everything else becomes words,
folded by NFKC, case and diacritics. Digits split by blanks, dashes or brackets are joined too, which makes
telephone numbers searchable however they are written.

The pairs of a longer word are required together but not side by side: rarely a text matches that holds them
apart, and `highlight` then marks the pairs. A dictionary (rjieba) could rank such texts lower, but answers
are shown newest first and ranked among the newest only, and it would cost 60 MB a process: not used.

Lexemes begin with a hash of the workspace, so that the index of one workspace isn't walked for another.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final
from uuid import UUID

import msgspec

MAX_CHARACTERS: Final = 100_000
"""Only so much of a text is analysed."""
MAX_BYTES: Final = 600_000
"""What all lexemes of one text may take; PostgreSQL's own limit for a tsvector is 1 MiB."""
MAX_TERMS_ASKED: Final = 24
_MAX_WORD: Final = 64
_MAX_QUESTION: Final = 200
_PREFIX_FROM: Final = 3
_PHONE_DIGITS: Final = range(7, 16)
_MAX_GROUPS: Final = 6
_WORKSPACE_LETTERS: Final = 5

_PAIRED: Final = (
    "\u0e00-\u0e4e\u0e80-\u0ecf"  # Thai, Lao
    "\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Myanmar
    "\u1780-\u17d3\u17d7-\u17dd"  # Khmer
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"  # Hangul
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u3035\u3038-\u303c"  # radicals, iteration marks, 〇
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\U00016ff0-\U00018cff\U0001aff0-\U0001b16f"  # Tangut and old kana
)
# Marks belong to their word, though `re` has them as no word characters: general, Hebrew, Arabic, Indic.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0dff"
)
_TOKEN: Final = re.compile(rf"(?P<run>[{_PAIRED}]+)|(?P<word>(?:[^\W_{_PAIRED}]|[{_MARKS}])+)")
_BETWEEN_DIGITS: Final = re.compile(r"[-. ()/·–]{1,3}")
# Invisible by design: soft hyphen, joiners, direction marks, variation selectors.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_DIACRITIC: Final = re.compile("[\u0300-\u036f]")
_STROKED: Final = str.maketrans("đøłħŧıɨæœþð", "dolhtii\ue000\ue001td", "")


class Term(msgspec.Struct, frozen=True):
    """One thing asked for: any of `texts`; with `prefix` a term that begins so is enough."""

    texts: tuple[str, ...]
    prefix: bool = False


class _Token(msgspec.Struct, frozen=True):
    """A run of paired script, a word, or digits in groups; offsets are in the folded text."""

    kind: str
    text: str
    start: int
    end: int
    groups: tuple[str, ...] = ()


def _fold(text: str) -> str:
    """NFKC and case folding, invisible characters dropped."""
    if text.isascii():
        return text.lower()
    once = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return unicodedata.normalize("NFKC", once)


def _plain(word: str) -> str:
    """Drop diacritics (café → cafe) and cut what is too long to be a word."""
    if not word.isascii():
        bare = _DIACRITIC.sub("", unicodedata.normalize("NFD", word)).translate(_STROKED)
        word = unicodedata.normalize("NFC", bare.replace("\ue000", "ae").replace("\ue001", "oe")) or word
    return word[:_MAX_WORD]


def _tokens(folded: str) -> Iterator[_Token]:
    """Cut a folded text; digit words with little between them come as one token of several groups."""
    digits: list[re.Match[str]] = []
    for match in _TOKEN.finditer(folded):
        if match["word"] is not None and match[0].isdecimal():
            if digits and not (
                len(digits) < _MAX_GROUPS
                and _BETWEEN_DIGITS.fullmatch(folded, digits[-1].end(), match.start())
            ):
                yield _number(digits)
                digits = []
            digits.append(match)
            continue
        if digits:
            yield _number(digits)
            digits = []
        kind = "run" if match["run"] is not None else "word"
        text = match[0] if kind == "run" else _plain(match[0])
        yield _Token(kind, text, match.start(), match.end())
    if digits:
        yield _number(digits)


def _number(matches: list[re.Match[str]]) -> _Token:
    groups = tuple(match[0][:_MAX_WORD] for match in matches)
    return _Token("number", "".join(groups), matches[0].start(), matches[-1].end(), groups)


def _joined(groups: tuple[str, ...]) -> list[str]:
    """All groups as one number, then without the first, and so on, while it may be a telephone number."""
    tails = ("".join(groups[start:]) for start in range(len(groups)))
    return [tail for tail in tails if len(tail) in _PHONE_DIGITS]


def _terms_of(token: _Token) -> Iterator[str]:
    match token.kind:
        case "run":
            yield from (first + second for first, second in pairwise(token.text))
            yield token.text[-1]
        case "word":
            yield token.text
        case _:
            numbers = [*token.groups, *_joined(token.groups)]
            yield from numbers
            yield from (number[-4:] for number in numbers if len(number) in _PHONE_DIGITS)


def index_terms(text: str) -> list[str]:
    """Return the distinct terms under which a text is found, in order of appearance; always bounded."""
    found: dict[str, None] = {}
    left = MAX_BYTES
    for token in _tokens(_fold(text[:MAX_CHARACTERS])):
        for term in _terms_of(token):
            if term not in found:
                left -= _WORKSPACE_LETTERS + len(term.encode())
                if left < 0:
                    return list(found)
                found[term] = None
    return list(found)


def query_terms(q: str) -> list[Term]:
    """Return what a text must have, all of it; empty when the question holds nothing to look for."""
    terms: list[Term] = []
    for token in _tokens(_fold(q[:_MAX_QUESTION])):
        match token.kind:
            case "run" if len(token.text) == 1:
                terms.append(Term((token.text,), prefix=True))
            case "run":
                terms += [Term((first + second,)) for first, second in pairwise(token.text)]
            case "number" if len(token.groups) > 1 and (joined := _joined(token.groups)):
                terms.append(Term(tuple(joined), prefix=True))
            case "number":
                terms += [Term((group,), prefix=len(group) >= _PREFIX_FROM) for group in token.groups]
            case _:
                terms.append(Term((token.text,), prefix=len(token.text) >= _PREFIX_FROM))
    return list(dict.fromkeys(terms))[:MAX_TERMS_ASKED]


@lru_cache(maxsize=1024)
def _hash_of(workspace: UUID) -> str:
    digest = hashlib.blake2b(workspace.bytes, digest_size=5).digest()
    return base64.b32encode(digest).decode().lower()[:_WORKSPACE_LETTERS]


def lexemes(workspace: UUID, terms: Iterable[str]) -> list[str]:
    """Return the terms as lexemes of this workspace, for `array_to_tsvector(text[])`."""
    prefix = _hash_of(workspace)
    return [prefix + term for term in terms]


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def to_tsvector_text(workspace: UUID, terms: Iterable[str]) -> str:
    """Return the terms in the form of `::tsvector` (a cast: no text search configuration takes part)."""
    return " ".join(_quoted(lexeme) for lexeme in lexemes(workspace, terms))


def to_tsquery_text(workspace: UUID, terms: Iterable[Term]) -> str:
    """Return the question in the form of `::tsquery`; empty for no terms: don't ask then."""
    return " & ".join(
        "("
        + " | ".join(_quoted(one) + (":*" if term.prefix else "") for one in lexemes(workspace, term.texts))
        + ")"
        for term in terms
    )


def _fold_with_origins(text: str) -> tuple[str, list[int], list[int]]:
    """Fold letter by letter; return the folded text and where the letter of each of its characters stood."""
    if text.isascii():
        return text.lower(), list(range(len(text))), list(range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and _continues(text[end]):
            continue
        piece = _fold(text[start:end])
        pieces.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
        start = end
    return "".join(pieces), starts, ends


def _continues(character: str) -> bool:
    """Tell whether folding may join a character with the one before it."""
    return not character.isascii() and (
        unicodedata.category(character)[0] == "M"
        or "\u1160" <= character <= "\u11ff"  # Hangul's vowels and finals
        or character in "\uff9e\uff9f"  # half-width voicing marks
        or "\uffa0" <= character <= "\uffdc"  # half-width Hangul
        or _INVISIBLE.match(character) is not None
    )


def highlight(text: str, q: str) -> list[tuple[int, int]]:
    """Return the places of `text` that answer `q` as (start, end) offsets, in order, without overlap.

    Words are marked whole, runs of paired script where they stand together, else pair by pair.
    """
    folded, starts, ends = _fold_with_origins(text[:MAX_CHARACTERS])
    asked = list(_tokens(_fold(q[:_MAX_QUESTION])))
    spans: list[tuple[int, int]] = []
    for run in {token.text for token in asked if token.kind == "run"}:
        needles = [run] if run in folded else [first + second for first, second in pairwise(run)]
        for needle in needles:
            spans += [(match.start(), match.end()) for match in re.finditer(re.escape(needle), folded)]
    terms = query_terms("".join(token.text + " " for token in asked if token.kind == "word"))
    terms += [
        term for token in asked if token.kind == "number" for term in query_terms(" ".join(token.groups))
    ]
    for token in _tokens(folded) if terms else ():
        if token.kind != "run" and any(_answers(term, token) for term in terms):
            spans.append((token.start, token.end))
    return _merged(sorted((starts[start], ends[end - 1]) for start, end in spans))


def _answers(term: Term, token: _Token) -> bool:
    return any(
        one.startswith(asked) if term.prefix else one == asked
        for one in _terms_of(token)
        for asked in term.texts
    )


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
