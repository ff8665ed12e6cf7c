"""Three months in the life of a shop: its customers and what was said, from one random seed. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec

from switchboard.app.demo.talk import Dialogue, Talk, Turn, spoken

SEED = 20_261
DAYS = 90
EAST = timedelta(hours=8)
"""The shop's clock: UTC+8."""
OPENS, CLOSES = 9, 21
TURNOUT = {
    # By hour of the shop's day: how many customers write, in relation to each other.
    "zh": [3, 1, 1, 0, 0, 1, 2, 4, 8, 13, 16, 14, 12, 13, 15, 15, 13, 11, 12, 16, 19, 18, 12, 6],
    "en": [6, 5, 4, 3, 3, 4, 5, 7, 9, 10, 11, 10, 9, 11, 13, 14, 14, 13, 12, 12, 11, 10, 9, 8],
}
KINDS = {
    "zh": {"web": 34, "app": 30, "mail": 16, "asia": 12, "bot": 8},
    "en": {"europe": 26, "asia": 14, "mail": 30, "web": 16, "bot": 14},
}
WAITING, IN_HAND, PENDING, SNOOZED = 7, 18, 4, 3
"""How many conversations are not over: nobody has taken them, somebody has, we wait, they sleep."""


class Customer(msgspec.Struct):
    """One customer; `addresses` by channel."""

    name: str
    language: str
    city: str
    level: str
    notes: str
    tags: list[str]
    since: datetime
    addresses: dict[str, str]
    seen: datetime | None = None


class Said(msgspec.Struct, frozen=True):
    """One message; `agent` is the number of who wrote an answer or a note."""

    at: datetime
    turn: Turn
    agent: int | None


class Case(msgspec.Struct):
    """One conversation. `state` is resolved, queued, assigned, pending or snoozed; `agent` is a number."""

    customer: int
    channel: str
    topic: str
    team: str
    tags: list[str]
    priority: int
    said: list[Said]
    agent: int
    state: str = "resolved"


class Regular(msgspec.Struct, frozen=True):
    """A customer who also has a phone in the sandbox."""

    name: str
    language: str
    city: str
    addresses: dict[str, str]


class Story(msgspec.Struct, frozen=True):
    """The whole: cases are in order of time."""

    customers: list[Customer]
    cases: list[Case]


class Teller:
    """Makes up a story; `crew` are the agents' numbers by team, `now` is the moment of telling."""

    def __init__(self, talks: Sequence[Talk], crew: dict[str, list[int]], now: datetime) -> None:
        self._talks = {talk.language: talk for talk in talks}
        self._crew = crew
        self._now = now
        self._dice = Random(SEED)

    def tell(self, contacts: int, regulars: Sequence[Regular]) -> Story:
        """Return the story."""
        customers = [self._regular(one) for one in regulars]
        customers += [self._customer(number) for number in range(contacts - len(customers))]
        cases: list[Case] = []
        for number, customer in enumerate(customers):
            often = self._dice.choices([1, 2, 3, 4], [72, 18, 7, 3])[0] if number >= len(regulars) else 3
            cases += [self._case(number, customer) for _ in range(often)]
        # The sandbox's people begin anew, so their last case is older than what would be opened again.
        quiet = self._now - timedelta(days=5)
        until = [quiet if case.customer < len(regulars) else self._now for case in cases]
        over = [case for case, end in zip(cases, until, strict=True) if case.said[-1].at < end]
        cases = _apart(sorted(over, key=lambda case: case.said[0].at))
        self._leave_open(cases, customers, len(regulars))
        cases.sort(key=lambda case: case.said[0].at)
        for case in cases:
            customer = customers[case.customer]
            last = case.said[-1].at
            customer.seen = last if customer.seen is None else max(customer.seen, last)
            customer.since = min(customer.since, case.said[0].at)
        return Story(customers, cases)

    def _regular(self, one: Regular) -> Customer:
        return Customer(one.name, one.language, one.city, "", "", [], self._now, dict(one.addresses))

    def _customer(self, number: int) -> Customer:
        dice = self._dice
        talk = self._talks[dice.choices(["zh", "en"], [68, 32])[0]]
        kinds = KINDS[talk.language]
        channels = {dice.choices(list(kinds), list(kinds.values()))[0]}
        if dice.random() < 0.22:
            channels.add(dice.choices(list(kinds), list(kinds.values()))[0])
        if "mail" in channels:
            # A sender that nothing vouches for is nobody's second address.
            channels = {"mail"}
        tags = ["VIP"] if dice.random() < 0.05 else []
        if dice.random() < 0.08:
            tags.append("俱乐部" if talk.language == "zh" else "club")
        return Customer(
            name=talk.name(dice),
            language="zh-CN" if talk.language == "zh" else "en",
            city=dice.choice(talk.cities),
            level=dice.choice(talk.levels),
            notes=dice.choice(talk.notes) if dice.random() < 0.12 else "",
            tags=tags,
            since=self._now,
            addresses={
                channel: self._address(channel, number, talk.language) for channel in sorted(channels)
            },
        )

    def _address(self, channel: str, number: int, language: str) -> str:
        dice = self._dice
        if channel in ("asia", "europe"):
            country = "86" if language == "zh" else dice.choice(["65", "60", "44", "49", "61"])
            return f"+{country}1{dice.randrange(30, 99)}0{number:06d}"
        if channel == "bot":
            return str(700_000_000 + number * 37)
        if channel == "mail":
            return f"customer{number:05d}@customers.example"
        if channel == "app":
            return f"u{100_000 + number}"
        return f"{dice.getrandbits(160):040x}"

    # -- one case --------------------------------------------------------------------------------------

    def _case(self, number: int, customer: Customer) -> Case:
        talk = self._talks[customer.language[:2]]
        dialogue = talk.pick(self._dice)
        day = self._now - timedelta(days=self._dice.triangular(0.6, DAYS, 0.6))
        turns = spoken(talk, dialogue, self._dice)
        return self._told(number, customer, dialogue, turns, self._moment(day, talk.language))

    def _told(
        self, number: int, customer: Customer, dialogue: Dialogue, turns: Sequence[Turn], start: datetime
    ) -> Case:
        agent = self._dice.choice(self._crew[dialogue.team])
        case = Case(
            number, self._dice.choice(sorted(customer.addresses)), dialogue.topic, dialogue.team,
            list(dialogue.tags), dialogue.priority, [], agent,
        )  # fmt: skip
        slow = 6.0 if case.channel == "mail" else 1.0
        at, before = start, "c"
        for nr, turn in enumerate(turns):
            if nr:
                at += timedelta(seconds=self._pause(before, turn.who) * slow)
            if turn.who != "c":
                at = _in_hours(at)
            case.said.append(Said(at, turn, None if turn.who == "c" else agent))
            before = turn.who
        return case

    def _pause(self, before: str, who: str) -> float:
        """Seconds between two messages: agents answer within minutes, customers when they look again."""
        if before == who:
            return self._dice.uniform(6, 40)
        if who == "a":
            return min(self._dice.lognormvariate(4.3, 0.8), 1500)
        return min(self._dice.lognormvariate(4.6, 1.1), 7200)

    def _moment(self, day: datetime, language: str) -> datetime:
        hour = self._dice.choices(range(24), TURNOUT[language])[0]
        local = (day + EAST).replace(hour=hour, minute=0, second=0, microsecond=0)
        at = local - EAST + timedelta(seconds=self._dice.uniform(0, 3600))
        return min(at, self._now - timedelta(hours=3))

    # -- now -------------------------------------------------------------------------------------------

    def _leave_open(self, cases: list[Case], customers: Sequence[Customer], regulars: int) -> None:
        """Let some customers write just now, so that there is work when the demo starts."""
        free = list(range(regulars, len(customers)))
        self._dice.shuffle(free)
        states = ["queued"] * WAITING + ["assigned"] * IN_HAND + ["pending"] * PENDING + ["snoozed"] * SNOOZED
        for state, number in zip(states, free, strict=False):
            customer = customers[number]
            talk = self._talks[customer.language[:2]]
            dialogue = talk.pick(self._dice)
            turns = self._half(spoken(talk, dialogue, self._dice)[: len(dialogue.turns)], state)
            ago = {"queued": (2, 38), "assigned": (4, 170), "pending": (300, 1700), "snoozed": (700, 2600)}[
                state
            ]
            case = self._told(number, customer, dialogue, turns, self._now)
            shift = self._now - timedelta(minutes=self._dice.uniform(*ago)) - case.said[-1].at
            case.said = [msgspec.structs.replace(said, at=said.at + shift) for said in case.said]
            case.state = state
            # What this customer said before must be over by now.
            cases[:] = [old for old in cases if old.customer != number or old.said[-1].at < case.said[0].at]
            cases.append(case)

    def _half(self, turns: list[Turn], state: str) -> list[Turn]:
        """Cut a talk where it stands now: the customer spoke last, or we did and wait."""
        if state == "queued":
            first = next(nr for nr, turn in enumerate(turns) if turn.who != "c")
            return turns[:first]
        ends = [nr for nr, turn in enumerate(turns) if turn.who == "a"]
        if state == "assigned" and self._dice.random() < 0.7:
            ends = [nr for nr, turn in enumerate(turns) if turn.who == "c" and nr]
        end = self._dice.choice(ends or [len(turns) - 1])
        return turns[: end + 1]


def _in_hours(at: datetime) -> datetime:
    """Return when an agent can be there: within opening hours, else the next morning."""
    local = at + EAST
    if local.hour < OPENS:
        local = local.replace(hour=OPENS, minute=local.minute // 3)
    elif local.hour >= CLOSES:
        local = (local + timedelta(days=1)).replace(hour=OPENS, minute=local.minute // 3)
    return max(at, local - EAST)


def _apart(cases: list[Case]) -> list[Case]:
    """Leave out a case that would begin before the same customer's last one is over."""
    ends: dict[int, datetime] = {}
    kept = []
    for case in cases:
        if case.customer not in ends or case.said[0].at > ends[case.customer]:
            ends[case.customer] = case.said[-1].at
            kept.append(case)
    return kept
