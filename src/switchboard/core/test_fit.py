"""Fitting: nothing lost, nothing too long, nothing torn, order kept."""

from typing import Any
from uuid import UUID

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from switchboard.core.capability import (
    ChoicesLimit,
    MediaLimit,
    Outgoing,
    StickerLimit,
    StickerPack,
    TextLimit,
)
from switchboard.core.fit import chosen, fit, measure, numbered, split
from switchboard.core.outcomes import Refused
from switchboard.core.parts import (
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    ContactCard,
    File,
    Form,
    Image,
    Link,
    Location,
    Part,
    Product,
    Sticker,
    Template,
    Text,
    Video,
)

FILE = UUID("01900000-0000-7000-8000-000000000001")
PLAIN = Outgoing(text=TextLimit(max=4096))
AWKWARD = st.lists(
    st.one_of(
        st.sampled_from([*"ab .!?\n。！，\u0301\u200d\r", "👩\u200d👧", "🇩🇪", "क्षि", "한", "汉"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=120,
).map("".join)


def graphemes(text: str) -> list[str]:
    return [found[0] for found in regex.finditer(r"\X", text)]


def without_space(text: str) -> str:
    return "".join(text.split())


@given(AWKWARD, st.integers(1, 40), st.sampled_from(["characters", "utf16", "bytes"]))
def test_pieces_fit_and_lose_nothing(text: str, most: int, unit: str) -> None:
    pieces = split(text, TextLimit(max=most, unit=unit))
    assert without_space("".join(pieces)) == without_space(text), "only white space at the cuts may go"
    for piece in pieces:
        single = len(piece) == 1
        assert measure(piece, unit) <= most or single, f"{piece!r} is {measure(piece, unit)} {unit} long"
        piece.encode()
    at = 0
    for piece in pieces:
        at = text.index(piece, at) + len(piece)


@given(AWKWARD, st.integers(1, 60), st.sampled_from(["characters", "utf16", "bytes"]))
def test_no_grapheme_is_torn(text: str, most: int, unit: str) -> None:
    whole = graphemes(text.strip())
    if any(measure(one, unit) > most for one in whole):
        return
    borders, at = {0}, 0
    for one in whole:
        at += len(one)
        borders.add(at)
    at = 0
    for piece in split(text, TextLimit(max=most, unit=unit)):
        begin = text.strip().index(piece, at)
        at = begin + len(piece)
        trailing = len(text.strip()[at:]) - len(text.strip()[at:].lstrip())
        assert at in borders or at + trailing in borders, f"{piece!r} ends inside a grapheme"


@pytest.mark.parametrize(
    ("text", "most", "unit", "pieces"),
    [
        ("One two. Three four.", 12, "characters", ["One two.", "Three four."]),
        ("First paragraph.\n\nSecond one.", 24, "characters", ["First paragraph.", "Second one."]),
        ("今天天气很好。我们去公园吧。", 10, "characters", ["今天天气很好。", "我们去公园吧。"]),
        ("今天天气很好", 9, "bytes", ["今天天", "气很好"]),
        ("wordwordword", 5, "characters", ["wordw", "ordwo", "rd"]),
        ("👩\u200d👧👩\u200d👧", 5, "utf16", ["👩\u200d👧", "👩\u200d👧"]),
        ("🇩🇪🇨🇳", 3, "characters", ["🇩🇪", "🇨🇳"]),
        ("e\u0301e\u0301", 3, "characters", ["e\u0301", "e\u0301"]),
        ("Yes. " + "x" * 30, 32, "characters", ["Yes. " + "x" * 27, "xxx"]),
        ("   ", 5, "characters", []),
        ("😀😀", 1, "utf16", ["😀", "😀"]),
    ],
)
def test_where_text_is_cut(text: str, most: int, unit: str, pieces: list[str]) -> None:
    assert split(text, TextLimit(max=most, unit=unit)) == pieces


@pytest.mark.parametrize(
    ("text", "characters", "utf16", "size"),
    [("abc", 3, 3, 3), ("汉字", 2, 2, 6), ("😀", 1, 2, 4), ("e\u0301", 2, 2, 3), ("\ud83d", 1, 1, 3)],
)
def test_platforms_count_differently(text: str, characters: int, utf16: int, size: int) -> None:
    counts = [measure(text, unit) for unit in ("characters", "utf16", "bytes")]
    assert counts == [characters, utf16, size]


@given(st.lists(AWKWARD, max_size=6), st.integers(5, 50))
def test_order_is_kept(texts: list[str], most: int) -> None:
    sends = fit([Text(text) for text in texts], Outgoing(text=TextLimit(max=most)))
    assert all(len(send) == 1 for send in sends)
    said = "".join(part.text for send in sends for part in send if isinstance(part, Text))
    assert without_space(said) == without_space("".join(texts))


def limits(**changes: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "text": TextLimit(max=100),
        "image": MediaLimit(max_bytes=1000, mimes=["image/jpeg", "image/png"], caption=20),
        "file": MediaLimit(max_bytes=5000, caption=20),
        "choices": ChoicesLimit(buttons=3, title=20, rows=10, text=60, urls=True, mixed=False),
    }
    return Outgoing(**{**usual, **changes})


def test_what_fits_is_left_alone() -> None:
    parts: list[Part] = [
        Text("hello", quoted="> old"),
        Image(file_id=FILE, mime="image/png", size=10, caption="look"),
        Choices("Which?", [Button("a", "A"), Button("b", "B")]),
        Template("greeting", "en", ["Anna"], "Hello Anna"),
        Location(52.5, 13.4),
    ]
    assert fit(parts, limits(template=True, location=True)) == [[part] for part in parts]


def test_a_message_of_many_parts_is_one_send_where_the_channel_can() -> None:
    parts: list[Part] = [Text("hello"), File(file_id=FILE, name="a.pdf"), Text("bye")]
    assert fit(parts, limits(multipart=True)) == [parts]
    assert fit([Text("  ")], limits(multipart=True)) == []


def test_a_long_caption_becomes_a_text_of_its_own() -> None:
    image = Image(file_id=FILE, mime="image/png", size=10, caption="a caption of more than twenty")
    assert fit([image], limits()) == [
        [Image(file_id=FILE, mime="image/png", size=10)],
        [Text("a caption of more than twenty")],
    ]


@pytest.mark.parametrize(
    "part",
    [
        Image(file_id=FILE, name="x", mime="image/tiff", size=10),
        Image(file_id=FILE, name="x", mime="image/png", size=2000),
        Video(file_id=FILE, name="x", mime="video/mp4", size=10),
        Audio(file_id=FILE, name="x", mime="audio/ogg; codecs=opus", size=10),
    ],
)
def test_media_that_the_channel_does_not_know_goes_as_a_file(part: Any) -> None:
    assert fit([part], limits()) == [[File(file_id=FILE, name="x", mime=part.mime, size=part.size)]]


def test_a_sticker_goes_by_its_name_where_the_channel_has_it() -> None:
    packs = StickerLimit(max_bytes=0, packs=[StickerPack("446", "Moon", 1988, 2027)])
    has, none = limits(sticker=packs, image=None, file=None), limits()
    listed = Sticker(key="446:1988", emoji="👍")
    assert fit([listed], has) == [[listed]]
    assert fit([Sticker(key="446:2027", caption="ok")], has)[1] == [Text("ok")]
    for odd in (
        "446:1987",
        "446:2028",
        "789:1988",
        "446:01988",
        "446:²",
        "446",
        ":",
        "446:1988:1",
        "446:" + "9" * 5000,
    ):
        with pytest.raises(Refused, match=r"key.*446") as refused:
            fit([Sticker(key=odd)], has)
        assert refused.value.code == "unknown_sticker"
    assert fit([listed], none) == [[Text("👍")]]
    assert fit([Sticker(key="446:1988")], none) == [[Text("[sticker]")]]
    # What was received lies here as a picture, too; a channel with packs takes no files as stickers.
    kept = Sticker(file_id=FILE, key="446:1", mime="image/png", size=10)
    assert fit([kept], limits(sticker=packs)) == [[Image(file_id=FILE, mime="image/png", size=10)]]
    assert fit([Sticker(file_id=FILE, mime="image/png")], limits(sticker=packs)) == [
        [Image(file_id=FILE, mime="image/png")]
    ]


def test_a_sticker_goes_as_a_picture() -> None:
    sticker = Sticker(file_id=FILE, mime="image/png", size=10)
    assert fit([sticker], limits()) == [[Image(file_id=FILE, mime="image/png", size=10)]]
    with_family = limits(image=MediaLimit(max_bytes=1000, mimes=["image/*"]))
    assert fit([Sticker(file_id=FILE, mime="IMAGE/webp")], with_family) == [
        [Image(file_id=FILE, mime="IMAGE/webp")]
    ]


def test_a_file_too_large_goes_as_a_link_or_is_refused() -> None:
    film = Video(file_id=FILE, name="film.mp4", mime="video/mp4", size=9000, caption="see")
    assert fit([film], limits(), {FILE: "https://files.example/f"}) == [
        [Text("see\nfilm.mp4\nhttps://files.example/f")]
    ]
    with pytest.raises(Refused, match=r"film\.mp4.*9000 bytes"):
        fit([film], limits())


def test_too_many_buttons_become_a_list_then_a_text() -> None:
    few = [Button(str(number), f"Option {number}") for number in range(1, 6)]
    many = [Button(str(number), f"Option {number}") for number in range(1, 12)]
    assert fit([Choices("Which?", few)], limits()) == [[Choices("Which?", few, style="list")]]
    (send,) = fit([Choices("Which?", many)], limits(text=TextLimit(max=1000)))
    assert send == [Text("Which?\n\n" + "\n".join(f"{number}. Option {number}" for number in range(1, 12)))]


def test_a_title_is_never_cut() -> None:
    long = [Button("a", "A title of more than twenty-four characters", "and why")]
    assert fit([Choices("Which?", long)], limits()) == [[Text(numbered(Choices("Which?", long)))]]
    assert "(and why)" in numbered(Choices("Which?", long))


def test_a_list_becomes_buttons_where_only_those_are_offered() -> None:
    choices = Choices("Which?", [Button("a", "A")], style="list", button="Open")
    (send,) = fit([choices], limits(choices=ChoicesLimit(buttons=3)))
    assert isinstance(send[0], Choices)
    assert send[0].style == "buttons"


def test_long_words_before_choices_go_ahead() -> None:
    choices = Choices(
        "One sentence that is rather long, as sentences go. " * 2 + "Which?", [Button("a", "A")]
    )
    sends = fit([choices], limits())
    assert [type(part) for send in sends for part in send] == [Text, Choices]
    assert all(len(part.text) <= 60 for send in sends for part in send if isinstance(part, Text | Choices))


def test_addresses_are_said_where_they_cannot_be_pressed() -> None:
    both = Choices("Which?", [Button("a", "A"), Button("u", "Site", url="https://a.example")])
    alone = Choices("Look", [Button("u", "Site", url="https://a.example")])
    said = "Which?\n\nSite: https://a.example"
    assert fit([both], limits()) == [[Choices(said, [Button("a", "A")])]]
    assert fit([alone], limits()) == [[alone]]
    assert fit([alone], limits(choices=None)) == [[Text("Look\n\nSite: https://a.example")]]
    mixed = ChoicesLimit(buttons=3, urls=True)
    assert fit([both], limits(choices=mixed)) == [[both]]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Location(52.5, -13.4, "Office", "Main St 1"), "Office, Main St 1, 52.5, -13.4"),
        (Location(0, 100), "0, 100"),
        (ContactCard("Anna", ["+49301"], ["a@example.org"], "Acme"), "Anna\nAcme\n+49301\na@example.org"),
        (Template("t", "en", [], "Hello Anna"), "Hello Anna"),
        (Product("p1", title="Lamp"), "Lamp"),
        (Link("https://a.example", "A"), "A\nhttps://a.example"),
        (Choice("a", "Yes"), "Yes"),
    ],
)
def test_the_rest_is_said_in_words(part: Part, words: str) -> None:
    assert fit([part], PLAIN) == [[Text(words)]]


@pytest.mark.parametrize("part", [Template("t", "en"), Form({"a": 1})])
def test_what_words_cannot_say_is_refused(part: Part) -> None:
    with pytest.raises(Refused, match="can't send this kind"):
        fit([part], PLAIN)


BUTTONS = [Button("u", "Site", url="https://a.example"), Button("y", "Yes"), Button("n", "No, thanks")]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1", "y"), (" 2. ", "n"), ("１", "y"), ("②", "n"), ("2)", "n"), ("第2个", "n"), ("#1", "y"),
        ("yes", "y"), ("NO, THANKS", "n"), ("no，thanks", None), ("3", None), ("0", None), ("Site", None),
        ("", None), ("1 or 2", None),
        ("I take 1", None), ("12345", None),
    ],
)  # fmt: skip
def test_a_typed_number_finds_its_button(typed: str, meant: str | None) -> None:
    found = chosen(typed, BUTTONS)
    assert (found.id if found else None) == meant


@given(st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=12))
def test_every_number_shown_leads_back(titles: list[str]) -> None:
    buttons = [Button(str(index), title) for index, title in enumerate(titles)]
    for index, button in enumerate(buttons):
        assert chosen(str(index + 1), buttons) == button


def test_cards_stand_side_by_side_where_they_can_and_are_told_in_words_elsewhere() -> None:
    """A carousel keeps every card's words and buttons on a channel of plain text."""
    cards = Cards([Card("Red", "Soft", buttons=[Button("r", "Take red")]), Card("Blue", "Firm")])
    native = Outgoing(text=TextLimit(max=100), cards=2)
    assert fit([cards], native) == [[cards]]
    plain = fit([cards], Outgoing(text=TextLimit(max=100)))
    assert plain == [[Text("Red\nSoft\n\n1. Take red")], [Text("Blue\nFirm")]]
    assert fit([Cards([*cards.cards, Card("Green")])], native)[-1] == [Text("Green")]
