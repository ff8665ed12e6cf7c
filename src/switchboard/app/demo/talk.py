"""What people say in the demo: templates in `talk.*.toml`, spoken with names, cities and orders filled in."""

import re
from pathlib import Path
from random import Random

import msgspec

_CHOICE = re.compile(r"<([^<>]*)>")
BOOTS = 3
"""Number of the one product whose sizes are numbers."""
_SLOT = re.compile(r"\{(\w+)\}")


class Dialogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of talk. Of its turns the first letter says who speaks: c, a, n (note) or p (picture)."""

    topic: str
    team: str
    weight: int
    tags: list[str]
    turns: list[str]
    priority: int = 1
    goods: list[int] = []
    """Numbers of the products it can be about; empty: any."""


class Talk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything said in one language, and who says it: `surnames` and `given`, or `first` and `last`."""

    language: str
    cities: list[str]
    couriers: list[str]
    trails: list[str]
    products: list[str]
    sizes: list[str]
    levels: list[str]
    notes: list[str]
    thanks: list[str]
    openers: list[str]
    dialogue: list[Dialogue]
    surnames: str = ""
    given: list[str] = []
    first: list[str] = []
    last: list[str] = []

    def name(self, dice: Random) -> str:
        """Return a full name."""
        if self.surnames:
            return dice.choice(self.surnames) + dice.choice(self.given)
        return f"{dice.choice(self.first)} {dice.choice(self.last)}"

    def pick(self, dice: Random) -> Dialogue:
        """Return a kind of talk, the frequent ones more often."""
        return dice.choices(self.dialogue, [one.weight for one in self.dialogue])[0]


class Turn(msgspec.Struct, frozen=True):
    """One thing said: by the customer, an agent, or as a note; `picture` is a product's number."""

    who: str
    text: str
    picture: int | None = None


def load(language: str) -> Talk:
    """Read the talk of `zh` or `en`."""
    return msgspec.toml.decode((Path(__file__).parent / f"talk.{language}.toml").read_bytes(), type=Talk)


def order_number(dice: Random) -> str:
    """Return an order number such as SY2611048213."""
    return f"SY{dice.randrange(2601, 2612)}{dice.randrange(100000, 999999)}"


def spoken(talk: Talk, dialogue: Dialogue, dice: Random) -> list[Turn]:
    """Return the turns of one talk, wordings chosen and gaps filled, the same gap alike throughout."""
    product = dice.choice(dialogue.goods or range(len(talk.products)))
    days = (
        ["今天下午", "明天", "后天", "周五前"]
        if talk.language == "zh"
        else ["tomorrow", "on Friday", "on Monday"]
    )
    filled = {
        "product": talk.products[product],
        "size": dice.choice(talk.sizes[4:] if product == BOOTS else talk.sizes[:4]),
        "city": dice.choice(talk.cities),
        "courier": dice.choice(talk.couriers),
        "trail": dice.choice(talk.trails),
        "order": order_number(dice),
        "batch": f"B{dice.randrange(2024, 2027)}-{dice.randrange(10, 99)}",
        "day": dice.choice(days),
        "price": str(dice.randrange(2, 30) * 10),
    }
    turns = []
    for line in dialogue.turns:
        who, text = line[0], line[2:]
        text = _CHOICE.sub(lambda found: dice.choice(found[1].split("|")), text)
        text = _SLOT.sub(lambda found: filled[found[1]], text).strip()
        turns.append(Turn("c" if who == "p" else who, text, product if who == "p" else None))
    opener = dice.choice(talk.openers)
    first = turns[0].text
    if talk.language == "en":
        first = first if opener else first[0].upper() + first[1:]
    turns[0] = msgspec.structs.replace(turns[0], text=opener + first)
    if dice.random() < 0.8:
        turns.append(
            Turn("c", _CHOICE.sub(lambda found: dice.choice(found[1].split("|")), dice.choice(talk.thanks)))
        )
    return turns
