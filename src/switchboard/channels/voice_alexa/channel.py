"""An Alexa custom skill: question in, answer out; hand-over to a queue with a spoken promise."""

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
    ENGLISH,
    Kind,
    Said,
    Turn,
    Words,
    answer,
    facts_of,
    written_time,
)
from switchboard.channels.families.voice_certificates import Certificates, Rules
from switchboard.channels.reading import Json, obj, plain, text

RULES = Rules(
    label="Alexa",
    platform="alexa_certificates",
    host="s3.amazonaws.com",
    path="/echo.api/",
    name="echo-api.amazon.com",
    digest="sha256",
    any_case=True,
)
CERTIFICATES = Certificates(RULES)
SKILL = "amzn1.ask.skill."
LONGEST = 6000
FRESH = timedelta(seconds=150)
EVENTS = "AlexaSkillEvent."
# Events about a skill are sent again for an hour.
FRESH_EVENTS = timedelta(hours=1)

INTENTS: dict[str, Kind] = {
    "AMAZON.HelpIntent": "help",
    "AMAZON.StopIntent": "stop",
    "AMAZON.CancelIntent": "stop",
    "AMAZON.NavigateHomeIntent": "stop",
    "AMAZON.FallbackIntent": "unclear",
    "AMAZON.RepeatIntent": "again",
    "AnswerIntent": "again",
}
TYPES: dict[str, Kind] = {
    "LaunchRequest": "opened",
    f"{EVENTS}SkillEnabled": "came",
    f"{EVENTS}SkillDisabled": "left",
}


class AlexaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One skill, and what it says by itself."""

    skill_id: Annotated[
        str,
        field(
            "Skill ID",
            "技能 ID（Skill ID）",
            "Alexa developer console > your skill > Endpoint. Begins with amzn1.ask.skill.",
            "Alexa 开发者控制台中技能的 Endpoint 页面，以 amzn1.ask.skill. 开头。",
        ),
    ]
    name: Annotated[
        str,
        field("Name", "名称", "Shown on the card in the Alexa app.", "显示在 Alexa 应用的卡片上。"),
    ] = ""
    greeting: Annotated[
        str,
        field(
            "Greeting",
            "欢迎语",
            "Said when somebody opens the skill. Empty: a short one in English or Chinese.",
            "用户打开技能时播报；留空则使用默认的中文或英文。",
        ),
    ] = ""
    promise: Annotated[
        str,
        field(
            "Promise",
            "转接提示",
            "Said when no agent answered within six seconds.",
            "六秒内没有客服回复时播报。",
        ),
    ] = ""


class AlexaChannel:
    """Translates between Alexa's JSON and our facts; the certificates of Amazon are kept beside it."""

    config_type: ClassVar[type[msgspec.Struct]] = AlexaConfig

    def __init__(self, config: AlexaConfig, io: Io) -> None:
        self._config = config
        self._io = io

    # -- coming in ---------------------------------------------------------------------------------------

    async def prepare(self, request: RawRequest) -> None:
        """Fetch the certificate that the request names, once."""
        await CERTIFICATES.fetch(self._io, *_proof(request))

    def verify(self, request: RawRequest) -> None:
        """Check signature, time and skill: Amazon's certificate signs every skill's requests, so ours must be named."""
        CERTIFICATES.prove(*_proof(request))
        try:
            envelope = decode(request.body)
        except BadPayload:
            raise BadSignature("Alexa: the signed body is not JSON") from None
        at = written_time(text(envelope, "request", "timestamp"))
        fresh = FRESH_EVENTS if text(envelope, "request", "type").startswith(EVENTS) else FRESH
        if at is None or abs(request.received_at - at) > fresh:
            raise BadSignature("Alexa: the request is not of this moment")
        if _skill(envelope) != self._config.skill_id:
            raise BadSignature("Alexa: the request is for another skill")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one turn."""
        turn = turn_of(decode(request.body))
        if turn is None:
            raise BadPayload("the body is no request of Alexa's")
        return facts_of(turn, self._config.skill_id, "alexa")

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply:
        """Speak: what agents said, else the promise."""
        try:
            turn = turn_of(decode(request.body))
        except BadPayload:
            turn = None
        turn = turn or Turn(kind="broken")
        if turn.intent == "CanFulfillIntentRequest":
            return _reply({"version": "1.0", "response": {"canFulfillIntent": {"canFulfill": "NO"}}})
        return _reply(spoken(answer(turn, parts, self._words(turn), LONGEST), self._config.name))

    def _words(self, turn: Turn) -> Words:
        words = CHINESE if turn.language.startswith("zh") else ENGLISH
        return msgspec.structs.replace(
            words,
            greeting=self._config.greeting.strip() or words.greeting,
            promise=self._config.promise.strip() or words.promise,
        )

    # -- going out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Refuse: a skill speaks only when it is spoken to."""
        del message
        raise Refused("This channel answers only when it is asked.", code="spoken_only")

    async def probe(self) -> list[Account]:
        """Return the skill; Amazon has nothing to ask with these settings."""
        if not self._config.skill_id.startswith(SKILL) or self._config.skill_id == SKILL:
            raise Refused(f"A skill ID begins with {SKILL} (Alexa developer console, Endpoint).")
        return [Account(self._config.skill_id, self._config.name or self._config.skill_id)]


def turn_of(envelope: Any) -> Turn | None:
    """Return what a request of Alexa's says; None for anything else."""
    request = obj(envelope, "request")
    kind, ident = text(request, "type"), text(request, "requestId")
    if not kind or not ident:
        return None
    turn = Turn(
        kind=TYPES.get(kind, "news"),
        ident=ident,
        user=text(envelope, "context", "System", "user", "userId")
        or text(envelope, "session", "user", "userId"),
        session=text(envelope, "session", "sessionId"),
        intent=kind,
        language=text(request, "locale"),
        at=written_time(text(request, "timestamp")),
        remembers=obj(envelope, "session", "attributes"),
    )
    if kind == "IntentRequest":
        return _intent(turn, obj(request, "intent"))
    error = obj(request, "error")
    if error:
        words = f"{text(error, 'type')}: {text(error, 'message')}"[:500]
        return msgspec.structs.replace(
            turn, kind="news", status="amber", detail=words, data=plain(error, DEEPEST)
        )
    if kind == "SessionEndedRequest":
        return msgspec.structs.replace(turn, kind="ended")
    return turn


def _intent(turn: Turn, intent: Json) -> Turn:
    name = text(intent, "name")
    if not name:
        return msgspec.structs.replace(turn, kind="unclear")
    if name in ("AMAZON.YesIntent", "AMAZON.NoIntent"):
        yes = name == "AMAZON.YesIntent"
        kind: Kind = ("again" if yes else "stop") if turn.waiting else "unclear" if yes else "stop"
        return msgspec.structs.replace(turn, kind=kind)
    slots = [slot for slot in obj(intent, "slots").values() if isinstance(slot, dict)]
    words = " ".join(filter(None, (text(slot, "value").strip() for slot in slots)))
    # An intent without slots is a wish by itself; one with nothing in its slots was not understood.
    kind = INTENTS.get(name, "asked" if words or not slots else "unclear")
    return msgspec.structs.replace(turn, kind=kind, words=words, intent=name[:200])


def spoken(said: Said, title: str) -> Json:
    """Return an answer in Alexa's form."""
    response: Json = {}
    if said.words:
        response["outputSpeech"] = {"type": "PlainText", "text": said.words}
    if said.asks and not said.ends:
        response["reprompt"] = {"outputSpeech": {"type": "PlainText", "text": said.asks}}
    if said.card:
        response["card"] = {"type": "Simple", "title": title, "content": said.words}
    if said.words:
        response["shouldEndSession"] = said.ends
    return {"version": "1.0", "sessionAttributes": said.remembers, "response": response}


def _proof(request: RawRequest) -> tuple[str, str, bytes, datetime]:
    """Return where the certificate lies, the signature, what was signed and when."""
    headers = request.headers
    return (
        headers.get("signaturecertchainurl", ""),
        headers.get("signature-256", ""),
        request.body,
        request.received_at,
    )


def _skill(envelope: Any) -> str:
    return text(envelope, "context", "System", "application", "applicationId") or text(
        envelope, "session", "application", "applicationId"
    )


def _reply(body: Json) -> Reply:
    return Reply(body=msgspec.json.encode(body), content_type="application/json; charset=utf-8")
