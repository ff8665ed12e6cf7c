"""What voice skills share: a turn of the talk, what is said in it, and what it tells us.

A skill answers inside the platform's request. What agents say is spoken in that answer or, when it comes later, at the
person's next turn; until then a promise is spoken, and `waiting` stands in the session.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from switchboard.channels.api import (
    AccountChanged,
    Choice,
    Claim,
    Inbound,
    MessageReceived,
    Notice,
    Part,
    ProfileReceived,
    ReachChanged,
    Sender,
    Text,
)
from switchboard.channels.reading import Json, text

Kind = Literal[
    "opened", "asked", "again", "help", "stop", "unclear", "ended", "came", "left", "news", "broken"
]

DEEPEST = 4
"""How far what a platform tells of an error may be nested, to be kept."""
SENTENCE_ENDS = "。！？!?.\n"


def written_time(value: str) -> datetime | None:
    """Return a time written as ISO 8601 or in digits (Unix seconds, milliseconds), None when it isn't one."""
    if value.isascii() and value.isdigit() and len(value) < 15:
        seconds = int(value) / 1000 if len(value) > 11 else int(value)
        return datetime.fromtimestamp(seconds, UTC)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and 1970 < found.year < 9999 else None


# -- a turn ----------------------------------------------------------------------------------------------------


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One request: what the person did, who it is, and what the session remembers."""

    kind: Kind
    ident: str = ""
    user: str = ""
    session: str = ""
    words: str = ""
    intent: str = ""
    language: str = ""
    at: datetime | None = None
    remembers: Json = {}
    status: str = "green"
    detail: str = ""
    data: Json = {}

    @property
    def waiting(self) -> bool:
        """Whether a promise was the last thing said."""
        return text(self.remembers, "waiting") == "yes"


def facts_of(turn: Turn, account: str, platform: str) -> list[Inbound]:
    """Return what a turn tells us. Only what asks for an answer is a message; opening a skill is none."""
    if turn.kind == "news" or not turn.user:
        return [
            AccountChanged(
                account=account,
                dedupe_key=f"news:{turn.ident}",
                occurred_at=turn.at,
                status=turn.status,
                code=f"{platform}_{turn.intent or turn.kind}"[:100],
                detail=turn.detail,
                data=turn.data,
            )
        ]
    # Without an account of the maker's (a console's test), a session is all that is known of a person.
    claim = Claim(f"voice:{account}", turn.user, verified=turn.user != turn.session)
    sender = Sender([claim], language=turn.language)
    if turn.kind in ("came", "left"):
        return [
            ReachChanged(
                account=account, dedupe_key=f"reach:{turn.ident}", occurred_at=turn.at, sender=sender,
                reachable=turn.kind == "came", reason="" if turn.kind == "came" else "disabled the skill",
            )
        ]  # fmt: skip
    if turn.kind in ("stop", "ended"):
        return []  # nothing is said to them any more, so nobody has to be found
    if turn.kind not in ("asked", "again"):
        return [
            ProfileReceived(
                account=account, dedupe_key=f"turn:{turn.ident}", occurred_at=turn.at, sender=sender
            )
        ]
    again = Notice("voice.asked_again", "Asked whether there is an answer")
    said: Part = Text(turn.words) if turn.words else Choice(turn.intent)
    return [
        MessageReceived(
            account=account,
            dedupe_key=f"message:{turn.ident}",
            occurred_at=turn.at,
            external_id=turn.ident,
            sender=sender,
            address=turn.user,
            parts=[again if turn.kind == "again" else said],
            auto=turn.kind == "again",
        )
    ]


# -- what is said ----------------------------------------------------------------------------------------------


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a skill says by itself, in one language."""

    greeting: str
    promise: str
    waits: str
    help: str
    unclear: str
    goodbye: str
    more: str
    nothing: str


ENGLISH = Words(
    greeting="Welcome. What can we do for you?",
    promise="I have passed that on to our team.",
    waits="Shall I look whether there is an answer?",
    help="Tell me your question, and our team will answer. Later, ask me: is there an answer?",
    unclear="I did not get that. Please say it in other words.",
    goodbye="Goodbye.",
    more="Shall I go on?",
    nothing="There is no answer yet.",
)
CHINESE = Words(
    greeting="您好，请问有什么可以帮您？",
    promise="已经把您的问题转给客服。",
    waits="要我再看看有没有回复吗？",
    help="请直接说出您的问题，客服会回复您。稍后可以问我：有回复了吗？",
    unclear="我没有听清，请换个说法。",
    goodbye="再见。",
    more="还要继续听吗？",
    nothing="暂时还没有回复。",
)
YES = {"是", "是的", "好", "好的", "要", "可以", "嗯", "继续", "行", "对", "再看看"}
NO = {"不", "不用", "不用了", "不要", "不是", "没有了", "没有", "算了", "没了"}
AGAIN = {
    "有回复吗",
    "有回复了吗",
    "有答复吗",
    "有答复了吗",
    "再看看",
    "再问一下",
    "客服回复了吗",
    "回复了吗",
    "有消息吗",
}
STOP = {"退出", "再见", "拜拜", "停止", "结束", "关闭", "取消"}
HELP = {"帮助", "怎么用", "怎么使用", "你能做什么"}


def chinese(said: str, *, waiting: bool) -> Kind:
    """Return what a Chinese sentence means to the skill itself; anything else is asked of us."""
    bare = said.strip().strip("。，！？,.!? ").removesuffix("吧")
    if bare in STOP or (waiting and bare in NO):
        return "stop"
    if bare in AGAIN or (waiting and bare in YES):
        return "again"
    if bare in HELP:
        return "help"
    return "asked" if bare else "unclear"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered: the words (none: silence), the question that follows, what the session remembers."""

    words: str = ""
    asks: str = ""
    remembers: Json = {}
    ends: bool = False
    card: bool = False


def answer(turn: Turn, parts: Sequence[Part], words: Words, longest: int) -> Said:
    """Return what is said in a turn. What agents said goes first, whatever the person did.

    More than `longest` characters are spoken at the next turn; twice as many wait at most, which is minutes of talk.
    """
    heard = [part.text for part in parts if isinstance(part, Text) and part.text.strip()]
    said = "\n".join(filter(None, [text(turn.remembers, "rest"), *heard]))
    if said and turn.kind in ("opened", "asked", "again", "help", "unclear"):
        now, rest = _cut(said, longest)
        remembers = {"waiting": "yes", "rest": rest[: 2 * longest]} if rest else {}
        return Said(words=now, asks=words.more if rest else words.help, remembers=remembers, card=True)
    waiting = {"waiting": "yes"}
    match turn.kind:
        case "opened":
            return Said(words=words.greeting, asks=words.help)
        case "asked":
            return Said(words=f"{words.promise} {words.waits}", asks=words.waits, remembers=waiting)
        case "again":
            return Said(words=f"{words.nothing} {words.waits}", asks=words.waits, remembers=waiting)
        case "help":
            return Said(words=words.help, asks=words.help, remembers=turn.remembers)
        case "stop":
            return Said(words=words.goodbye, ends=True)
        case "unclear":
            return Said(words=words.unclear, asks=words.help, remembers=turn.remembers)
        case "broken":
            return Said(words=words.unclear, ends=True)
        case _:
            return Said(ends=True)


def _cut(said: str, longest: int) -> tuple[str, str]:
    """Return what fits into one turn, and the rest."""
    if len(said) <= longest:
        return said, ""
    end = max(said.rfind(mark, longest // 2, longest) for mark in SENTENCE_ENDS) + 1 or longest
    return said[:end].rstrip(), said[end:].lstrip()
