"""Tmall Genie's stand-in: requests carry the headers that were entered in the console; the answer says whether to listen on."""

import secrets
from typing import ClassVar

from switchboard.sandbox.standin import Look, Move
from switchboard.sandbox.state import Customer, PlatformAccount, digits
from switchboard.sandbox.voice.speaker import Session, Speaker, Spoken, Turn, Wrong
from switchboard.sandbox.web import Json

RESULTS = {"RESULT", "ASK_INF", "CONFIRM", "SELECT"}
CODES = {"SUCCESS", "PARAMS_ERROR", "EXECUTE_ERROR", "REPLY_ERROR"}


class TmallGenie(Speaker):
    """Custom skills of AliGenie, protocol version 1."""

    name: ClassVar[str] = "voice_tmall"
    deadline: ClassVar[float] = 3.0
    quiet: ClassVar[float] = 300.0
    look: ClassVar[Look] = Look(
        en="Tmall Genie",
        zh="天猫精灵",
        color="#ff5000",
        mark="猫",
        shown=("skill_id", "header_name", "header_value"),
        files=(),
        moves=(
            Move(en="Open the skill", zh="打开技能", wish={"action": "launch"}),
            Move(en="Is there an answer?", zh="有回复了吗", wish={"text": "有回复了吗"}),
            Move(en="Leave", zh="退出", wish={"text": "退出", "intent": "exit"}),
        ),
    )

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A skill with one intent and one slot, and a header of its own."""
        skill = str(given.get("id") or digits(5))
        settings = {
            "skill_id": skill, "intent_id": digits(5), "intent": "ask", "slot": "question",
            "header_name": "x-skill-token", "header_value": secrets.token_hex(16), "flaw": "",
        }  # fmt: skip
        return skill, "沙盒商店", settings

    def envelope(
        self, account: PlatformAccount, customer: Customer, session: Session, turn: Turn, request_id: str
    ) -> Json:
        """What the console's documentation calls the request data."""
        settings = account.settings
        intent = (
            "welcome"
            if turn.event == "launch"
            else "exit"
            if turn.event
            else turn.intent or settings["intent"]
        )
        words = turn.words or f"打开{account.name}"
        slot = {
            "intentParameterId": 1, "intentParameterName": settings["slot"], "originalValue": words,
            "standardValue": words, "liveTime": 0, "createTimeStamp": int(self.world.clock.now() * 1000),
            "slotName": settings["slot"], "slotValue": words,
        }  # fmt: skip
        return {
            "sessionId": session.id,
            "utterance": words,
            "token": None,
            "requestData": {
                "userOpenId": self.known(account, customer),
                "deviceOpenId": f"device-{customer.id}",
                "city": "杭州市",
            },
            "botId": 1,
            "domainId": 2,
            "skillId": int(settings["skill_id"]),
            "skillName": account.name,
            "intentId": int(settings["intent_id"]),
            "intentName": intent,
            "slotEntities": [slot] if intent == settings["intent"] else [],
            "requestId": request_id,
            "device": {},
            "skillSession": {"skillSessionId": session.id, "newSession": session.new},
        }

    def headers(self, account: PlatformAccount, body: bytes) -> dict[str, str]:
        """The header of the console; a wrong one on demand."""
        del body
        value = "wrong" if account.settings["flaw"] else str(account.settings["header_value"])
        return {str(account.settings["header_name"]): value}

    def spoken(self, turn: Turn, answer: Json) -> Spoken:
        """Check the answer. After RESULT the microphone is off, but the talk goes on for five minutes."""
        value = answer.get("returnValue")
        if answer.get("returnCode") != "0" or not isinstance(value, dict):
            raise Wrong(f"returnCode: {answer.get('returnCode')}")
        if value.get("resultType") not in RESULTS or value.get("executeCode") not in CODES:
            raise Wrong(f"resultType or executeCode: {value.get('resultType')}, {value.get('executeCode')}")
        asked = value.get("askedInfos") or []
        if value["resultType"] == "ASK_INF" and not all(
            isinstance(a, dict) and a.get("parameterName") and isinstance(a.get("intentId"), int)
            for a in asked or [None]
        ):
            raise Wrong("askedInfos: ASK_INF has to say which slot it asks for")
        reply = value.get("reply")
        if reply is not None and not isinstance(reply, str):
            raise Wrong("reply is no text")
        listens = "🎤" if value["resultType"] == "ASK_INF" else ""
        return Spoken(text=reply or "", card=listens, ends=turn.intent == "exit")
