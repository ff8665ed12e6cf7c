"""A DuerOS custom skill: question in, answer out; hand-over to a queue with a spoken promise."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
)
from switchboard.channels.families.voice import (
    CHINESE,
    DEEPEST,
    Kind,
    Said,
    Turn,
    answer,
    chinese,
    facts_of,
    written_time,
)
from switchboard.channels.families.voice_certificates import Certificates, Rules
from switchboard.channels.reading import Json, obj, plain, rows, text

RULES = Rules(
    label="DuerOS",
    platform="dueros_certificates",
    host="duer.bdstatic.com",
    path="/saiya/flow/",
    name="dueros-api.baidu.com",
    digest="sha1",
    chained=False,
)
CERTIFICATES = Certificates(RULES)
FRESH = timedelta(seconds=180)
# An answer may have 24 kB, spoken and on the card, with what is left for the next turn.
LONGEST = 1500
DEFAULT_INTENT = "ai.dueros.common.default_intent"
TYPES: dict[str, Kind] = {"LaunchRequest": "opened"}


class DuerosConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One skill, and what it says by itself."""

    skill_id: Annotated[
        str,
        field(
            "Skill ID",
            "技能 ID",
            "DuerOS console > your skill. It stands in each request as applicationId.",
            "DuerOS 技能开放平台控制台中的技能 ID，即请求中的 applicationId。",
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


class DuerosChannel:
    """Translates between DuerOS's JSON and our facts; the certificates of Baidu are kept beside it."""

    config_type: ClassVar[type[msgspec.Struct]] = DuerosConfig

    def __init__(self, config: DuerosConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._words = msgspec.structs.replace(
            CHINESE,
            greeting=config.greeting.strip() or CHINESE.greeting,
            promise=config.promise.strip() or CHINESE.promise,
        )

    # -- coming in ---------------------------------------------------------------------------------------

    async def prepare(self, request: RawRequest) -> None:
        """Fetch the certificate that the request names, once."""
        await CERTIFICATES.fetch(self._io, *_proof(request))

    def verify(self, request: RawRequest) -> None:
        """Check signature, time and skill: Baidu's certificate signs every skill's requests, so ours must be named."""
        CERTIFICATES.prove(*_proof(request))
        try:
            envelope = decode(request.body)
        except BadPayload:
            raise BadSignature("DuerOS: the signed body is not JSON") from None
        at = written_time(text(envelope, "request", "timestamp"))
        if at is None or abs(request.received_at - at) >= FRESH:
            raise BadSignature("DuerOS: the request is not of this moment")
        if text(envelope, "context", "System", "application", "applicationId") != self._config.skill_id:
            raise BadSignature("DuerOS: the request is for another skill")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one turn."""
        turn = turn_of(decode(request.body))
        if turn is None:
            raise BadPayload("the body is no request of DuerOS's")
        return facts_of(turn, self._config.skill_id, "dueros")

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        """Speak: what agents said, else the promise."""
        try:
            turn = turn_of(decode(request.body))
        except BadPayload:
            turn = None
        body = spoken(answer(turn or Turn(kind="broken"), parts, self._words, LONGEST))
        return Reply(body=msgspec.json.encode(body), content_type="application/json; charset=utf-8")

    # -- going out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Refuse: a skill speaks only when it is spoken to."""
        del message
        raise Refused("This channel answers only when it is asked.", code="spoken_only")

    async def probe(self) -> list[Account]:
        """Return the skill; Baidu has nothing to ask with these settings."""
        if not self._config.skill_id.strip():
            raise Refused("Enter the skill ID from the console of DuerOS.")
        return [Account(self._config.skill_id, self._config.name or self._config.skill_id)]


def _proof(request: RawRequest) -> tuple[str, str, bytes, datetime]:
    """Return where the certificate lies, the signature, what was signed and when."""
    headers = request.headers
    return (
        headers.get("signaturecerturl", ""),
        headers.get("signature", ""),
        request.body,
        request.received_at,
    )


def turn_of(envelope: Any) -> Turn | None:
    """Return what a request of DuerOS's says; None for anything else."""
    request = obj(envelope, "request")
    kind, ident = text(request, "type"), text(request, "requestId")
    if not kind or not ident:
        return None
    turn = Turn(
        kind=TYPES.get(kind, "news"),
        ident=ident,
        user=text(envelope, "context", "System", "user", "userId")
        or text(envelope, "session", "user", "userId")
        or text(envelope, "session", "sessionId"),
        session=text(envelope, "session", "sessionId"),
        intent=kind,
        language="zh-CN",
        at=written_time(text(request, "timestamp")),
        remembers=obj(envelope, "session", "attributes"),
    )
    if kind == "IntentRequest":
        return _intent(turn, request)
    error = obj(request, "error")
    if error:
        words = f"{text(error, 'type')}: {text(error, 'message')}"[:500]
        return msgspec.structs.replace(
            turn, kind="news", status="amber", detail=words, data=plain(error, DEEPEST)
        )
    if kind == "SessionEndedRequest":
        return msgspec.structs.replace(turn, kind="ended")
    return turn


def _intent(turn: Turn, request: Json) -> Turn:
    """Read what was said: DuerOS sends the whole sentence along, whatever intent it took it for."""
    words = text(request, "query", "original").strip()
    intent = next((text(one, "name") for one in rows(request, "intents")), "")
    if words:
        kind = chinese(words, waiting=turn.waiting)
        return msgspec.structs.replace(turn, kind=kind, words=words, intent=intent[:200])
    named = bool(intent) and intent != DEFAULT_INTENT
    return msgspec.structs.replace(turn, kind="asked" if named else "unclear", intent=intent[:200])


def spoken(said: Said) -> Json:
    """Return an answer in DuerOS's form."""
    response: Json = {"shouldEndSession": said.ends}
    if said.words:
        response["outputSpeech"] = {"type": "PlainText", "text": said.words}
    if said.asks and not said.ends:
        response["reprompt"] = {"outputSpeech": {"type": "PlainText", "text": said.asks}}
        response["expectSpeech"] = True
    if said.card:
        response["card"] = {"type": "txt", "content": said.words}
    return {
        "version": "2.0",
        "context": {},
        "session": {"attributes": said.remembers},
        "response": response,
    }
