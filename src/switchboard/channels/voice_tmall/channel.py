"""A Tmall Genie custom skill: question in, answer out; hand-over to a queue with a spoken promise.

The platform signs nothing. It sends the headers that one enters in its console, so a token of our own is what proves it.
A skill has no memory there: what means something only after a promise (a bare yes) has to be asked in full.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    BadPayload,
    BadSignature,
    Inbound,
    Io,
    Outbound,
    Part,
    RawRequest,
    Refused,
    Reply,
    Sent,
    decode,
    field,
    secret,
)
from switchboard.channels.families.voice import CHINESE, Kind, Said, Turn, answer, chinese, facts_of
from switchboard.channels.reading import Json, rows, text

HEADER = "x-skill-token"
SHORTEST_TOKEN = 16
LONGEST = 100_000
INTENTS: dict[str, Kind] = {"welcome": "opened", "exit": "stop"}
LATER = "稍后可以问我：有回复了吗？"


class TmallConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One skill, and what it says by itself."""

    skill_id: Annotated[
        str,
        field(
            "Skill ID",
            "技能 ID",
            "A number from the console of AliGenie.",
            "天猫精灵智能应用开放平台控制台中的技能 ID（数字）。",
        ),
    ]
    token: Annotated[
        str,
        secret(
            "Token",
            "令牌",
            f"At least {SHORTEST_TOKEN} characters of your own. Enter the same in the console as header {HEADER}.",
            f"自行设定，至少 {SHORTEST_TOKEN} 个字符；在天猫精灵控制台以请求头 {HEADER} 填写同一值。",
        ),
    ]
    name: Annotated[str, field("Name", "名称", "The channel's name here.", "在本系统中显示的渠道名称。")] = ""
    greeting: Annotated[
        str,
        field(
            "Greeting",
            "欢迎语",
            "Said when somebody opens the skill. Empty: a short one.",
            "用户打开技能时播报；留空则使用默认欢迎语。",
        ),
    ] = ""
    promise: Annotated[
        str,
        field(
            "Promise",
            "转接提示",
            "Said when no agent answered within two seconds.",
            "两秒内没有客服回复时播报。",
        ),
    ] = ""


class TmallChannel:
    """Translates between AliGenie's JSON and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = TmallConfig

    def __init__(self, config: TmallConfig, io: Io) -> None:
        del io  # nothing is ever asked of this platform
        self._config = config
        self._words = msgspec.structs.replace(
            CHINESE,
            greeting=config.greeting.strip() or CHINESE.greeting,
            promise=config.promise.strip() or CHINESE.promise,
            waits=LATER,
        )

    # -- coming in ---------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the token that the console was given as a header."""
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(self._config.token.encode(), given.encode("utf-8", "replace")):
            raise BadSignature(f"{HEADER} is missing or is not the token of this connection")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one turn."""
        turn = turn_of(request.body)
        if turn is None:
            raise BadPayload("the body is no request of a skill")
        return facts_of(turn, text(turn.data, "skill") or self._config.skill_id, "tmall")

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        """Speak: what agents said, else the promise."""
        try:
            turn = turn_of(request.body)
        except BadPayload:
            turn = None
        turn = turn or Turn(kind="broken")
        body = spoken(answer(turn, parts, self._words, LONGEST), turn)
        return Reply(body=msgspec.json.encode(body), content_type="application/json; charset=utf-8")

    # -- going out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Refuse: a skill speaks only when it is spoken to."""
        del message
        raise Refused("This channel answers only when it is asked.", code="spoken_only")

    async def probe(self) -> list[Account]:
        """Return the skill; the platform has nothing to ask with these settings."""
        if not (self._config.skill_id.isascii() and self._config.skill_id.isdigit()):
            raise Refused("The skill ID of Tmall Genie is a number.")
        if len(self._config.token) < SHORTEST_TOKEN:
            raise Refused(
                f"The token needs at least {SHORTEST_TOKEN} characters: it is all that proves a request."
            )
        return [Account(self._config.skill_id, self._config.name or self._config.skill_id)]


def turn_of(body: bytes) -> Turn | None:
    """Return what a request says; None for anything else. The console's test names neither person nor request."""
    envelope: Any = decode(body)
    session, intent = text(envelope, "sessionId"), text(envelope, "intentName")
    if not session:
        return None
    words = text(envelope, "utterance").strip()
    kind = INTENTS.get(intent, chinese(words, waiting=False) if words or not intent else "asked")
    slot = next((text(one, "intentParameterName") for one in rows(envelope, "slotEntities")), "")
    return Turn(
        kind=kind,
        ident=text(envelope, "requestId") or f"body-{hashlib.sha256(body).hexdigest()[:32]}",
        user=text(envelope, "requestData", "userOpenId") or session,
        session=session,
        words=words,
        intent=intent[:200],
        language="zh-CN",
        data={"skill": text(envelope, "skillId"), "intent": text(envelope, "intentId"), "slot": slot},
    )


def spoken(said: Said, turn: Turn) -> Json:
    """Return an answer in AliGenie's form. The speaker listens on only if a slot is named that it may fill."""
    slot, intent = text(turn.data, "slot"), text(turn.data, "intent")
    listens = bool(slot and intent.isdigit() and said.asks) and not said.ends
    asked = [{"parameterName": slot, "intentId": int(intent[:18])}] if listens else []
    return {
        "returnCode": "0",
        "returnErrorSolution": "",
        "returnMessage": "",
        "returnValue": {
            "reply": said.words,
            "resultType": "ASK_INF" if listens else "RESULT",
            "askedInfos": asked,
            "properties": {},
            "actions": [],
            "executeCode": "SUCCESS",
        },
    }
