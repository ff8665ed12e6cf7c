"""The analyser against a small model of PostgreSQL's matching, and against hostile text."""

import random
import re
import time
import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.analyser import (
    MAX_BYTES,
    highlight,
    index_terms,
    lexemes,
    query_terms,
    to_tsquery_text,
    to_tsvector_text,
)

WORKSPACE, OTHER = UUID(int=1), UUID(int=2)
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF) | st.sampled_from("𠀀𰻞〇々㐀")
PAIRED = HAN | st.sampled_from("あアー한국ไทยກຂកខကခ")
ANY = st.text(alphabet=PAIRED | st.characters(), max_size=60)
LATIN = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüéàñçşğøđœß", min_size=1, max_size=12)


def found(text: str, q: str) -> bool:
    """Match as PostgreSQL does: every term of the question, exact or as a prefix."""
    terms, asked = index_terms(text), query_terms(q)
    return bool(asked) and all(
        any(term.startswith(one) if want.prefix else term == one for term in terms for one in want.texts)
        for want in asked
    )


@given(ANY, st.text(alphabet=HAN, min_size=2, max_size=2), ANY)
def test_every_two_character_han_word_is_found(before: str, word: str, after: str) -> None:
    assert found(before + word + after, word)


@given(ANY, PAIRED, ANY)
def test_every_single_character_is_found(before: str, character: str, after: str) -> None:
    text = before + character + after
    if unicodedata.normalize("NFKC", text) == text:  # else it may have become part of another
        assert found(text, character)


@given(st.text(alphabet=HAN, min_size=3, max_size=30), st.data())
def test_every_longer_piece_is_found_and_marked(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 2))
    end = data.draw(st.integers(start + 2, len(text)))
    assert found(text, text[start:end])
    assert any(first <= start and end <= last for first, last in highlight(text, text[start:end]))


@given(st.lists(LATIN, min_size=1, max_size=8), st.data())
def test_words_are_found_by_word_and_prefix_whatever_the_case(words: list[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(words))
    text = " ".join(words)
    assert found(text, word)
    assert found(text.upper(), word)
    assert found(text, word.title())
    if len(word) >= 3 and "ß" not in word and "œ" not in word:
        assert found(text, word[: data.draw(st.integers(3, len(word)))])


@given(st.text(max_size=80))
def test_width_and_composition_do_not_matter(text: str) -> None:
    assert index_terms(unicodedata.normalize("NFKC", text)) == index_terms(text) or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("ＨＥＬＬＯ　ｗｏｒｌｄ", "hello WORLD"),
        ("Café crème", "cafe creme"),
        ("cafe", "CAFÉ"),
        ("Straße", "strasse"),
        ("Nguyễn Đức", "nguyen duc"),
        ("Ελλάδα", "ελλαδα"),
        ("Москва", "москв"),
        ("नमस्ते दुनिया", "नमस्ते"),
        ("مرحبا بك", "مرحبا"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("ไม่ได้รับสินค้า", "สินค้า"),
        ("배송이 늦어요", "늦어"),
        ("ສະບາຍດີ", "ບາຍ"),
        ("iPhone手机壳", "iphone 手机"),
        ("iPhone手机壳", "手机 iph"),
        ("退\u200b款", "退款"),
        ("soft\u00adhyphen", "softhyphen"),
        ("mail zhang.san@shop.example now", "zhang.san@shop.example"),
        ("order SF1234567890", "sf1234"),
        ("http://shop.example/p?id=42", "shop.example"),
        ("call +86 138-0013-8000", "13800138000"),
        ("call +86 138-0013-8000", "138 0013 8000"),
        ("call +86 138-0013-8000", "8613800138000"),
        ("电话13800138000。", "138-0013-8000"),
        ("电话13800138000。", "+86 138 0013 8000"),
        ("电话13800138000。", "138 0013"),
        ("尾号 13800138000", "8000"),
        ("(020) 7946-0018", "02079460018"),
        ("第12号", "12"),
        ("价格 1,234.50", "1,234.50"),
        ("²", "2"),
    ],
)
def test_is_found(text: str, q: str) -> None:
    assert found(text, q)
    assert highlight(text, q)


@pytest.mark.parametrize("word", ["नमस्ते", "مُحَمَّد", "שָׁלוֹם", "ελλάδα", "naïve"])
def test_marks_do_not_break_words(word: str) -> None:
    assert len(index_terms(word)) == 1


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("退换货款项", "退款"),
        ("hello", "ello"),
        ("hello", "help"),
        ("to", "t"),
        ("订单", "订货"),
        ("12345", "2345"),
        ("", "a"),
        ("a", ""),
        ("a", "!?'\\"),
        ("iPhone", "iphone 手机"),
    ],
)
def test_is_not_found(text: str, q: str) -> None:
    assert not found(text, q)


@pytest.mark.parametrize(
    ("text", "q", "marked"),
    [
        ("我的订单还没有发货", "订单", ["订单"]),
        ("订单的订单", "订单", ["订单", "订单"]),
        ("没有有没有", "没有", ["没有", "没有"]),
        ("CAFÉ au lait", "cafe", ["CAFÉ"]),
        ("Cafe\u0301 au lait", "café", ["Cafe\u0301"]),
        ("ﬁne ＨＥＬＬＯ", "fine hel", ["ﬁne", "ＨＥＬＬＯ"]),
        ("tel. 138-0013-8000!", "13800138000", ["138-0013-8000"]),
        ("ｶﾞｲﾄﾞ本", "ガイド", ["ｶﾞｲﾄﾞ"]),
        ("İstanbul", "istanbul", ["İstanbul"]),
        ("发货 and 货", "货", ["货", "货"]),
        ("nothing", "else", []),
    ],
)
def test_marks_what_was_asked(text: str, q: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in highlight(text, q)] == marked


@given(st.text(max_size=100), st.text(max_size=20))
def test_marks_lie_inside_in_order_and_apart(text: str, q: str) -> None:
    last = 0
    for start, end in highlight(text, q):
        assert last <= start < end <= len(text)
        last = end


@given(ANY, st.text(max_size=10))
def test_whatever_is_found_is_marked(text: str, q: str) -> None:
    if found(text, q):
        assert highlight(text, q)


# -- what goes to PostgreSQL --------------------------------------------------------------------------------


def parsed(vector: str) -> list[str]:
    """Read a tsvector's text as PostgreSQL does: quoted lexemes, doubled quotes, backslashed characters."""
    quoted = re.findall(r"'((?:[^'\\]|''|\\.)*)'(?: |$)", vector)
    assert len(vector) == sum(len(one) + 2 for one in quoted) + max(0, len(quoted) - 1)
    return [re.sub(r"''|\\(.)", lambda match: match[1] or "'", one) for one in quoted]


@given(st.lists(st.text(st.sampled_from("'\\ &") | st.characters(), min_size=1, max_size=10), max_size=5))
def test_quoting_survives_anything(terms: list[str]) -> None:
    assert parsed(to_tsvector_text(WORKSPACE, terms)) == lexemes(WORKSPACE, terms)


@given(st.text(max_size=200))
def test_terms_are_fit_for_the_database(text: str) -> None:
    for term in index_terms(text):
        assert "\0" not in term
        assert term.encode()  # no lone surrogate
        assert len(term.encode()) < 1000
        assert not set(term) & set("'\\ &|!:*()")


def test_workspaces_have_lexemes_of_their_own() -> None:
    assert not set(lexemes(WORKSPACE, ["hello", "订单"])) & set(lexemes(OTHER, ["hello", "订单"]))
    assert to_tsvector_text(WORKSPACE, ["a"]) == f"'{lexemes(WORKSPACE, ['a'])[0]}'"


def test_a_question_reads_as_tsquery() -> None:
    head = lexemes(WORKSPACE, [""])[0]
    asked = to_tsquery_text(WORKSPACE, query_terms("to Hello 订单号 +86 13800138000"))
    assert asked.replace(head, "") == (
        "('to') & ('hello':*) & ('订单') & ('单号') & ('8613800138000':* | '13800138000':*)"
    )
    assert to_tsquery_text(WORKSPACE, query_terms("'\\ & ! | \0")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "'" * 1_000_000,
        "\0\ud800\udfff" * 300_000,
        "\ufdfa" * 1_000_000,
        "e" + "\u0301" * 1_000_000,
        "1 " * 500_000,
        "12345678901234567890" * 50_000,
        "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(1_000_000)),
        "".join(chr(0x20000 + number * 7919 % 40_000) for number in range(1_000_000)),
        " ".join(f"w{number}" for number in range(200_000)),
        "".join(random.Random(1).choices([chr(0x20000 + number) for number in range(40_000)], k=1_000_000)),
        "a\u0301\u0327" * 300_000,
        "\\'" * 500_000,
    ],
    ids=range(13),
)
def test_a_megabyte_is_bounded(text: str) -> None:
    begin = time.process_time()
    terms = index_terms(text)
    assert len(to_tsvector_text(WORKSPACE, terms).encode()) <= MAX_BYTES + 3 * len(terms)
    assert sum(len(term.encode()) + 5 for term in terms) <= MAX_BYTES
    assert max((len(term.encode()) for term in terms), default=0) < 2000  # a lexeme's limit is 2046
    assert len(query_terms(text)) <= 24
    highlight(text, text)
    assert time.process_time() - begin < 5
