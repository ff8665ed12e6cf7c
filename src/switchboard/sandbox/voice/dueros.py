"""DuerOS' stand-in (Xiaodu speakers): the whole sentence comes along, signed with SHA-1 by Baidu's certificate."""

import secrets
import time
from typing import Any, ClassVar

from cryptography.hazmat.primitives.hashes import SHA1

from switchboard.sandbox.standin import Look, Move
from switchboard.sandbox.state import Customer, PlatformAccount
from switchboard.sandbox.voice.certificates import FLAWS, signer
from switchboard.sandbox.voice.speaker import Session, Speaker, Spoken, Turn, Wrong, speech
from switchboard.sandbox.web import Request, Response, Router

Json = dict[str, Any]
DNS_NAME = "dueros-api.baidu.com"
FILE = f"{DNS_NAME}.cer.txt"
END = b"-----END CERTIFICATE-----"
DEFAULT_INTENT = "ai.dueros.common.default_intent"
KINDS = {"PlainText": "text", "SSML": "ssml"}
LONGEST = 4000


class Dueros(Speaker):
    """Custom skills of DuerOS. `flaw` in the settings makes requests such as a skill has to refuse."""

    name: ClassVar[str] = "voice_dueros"
    deadline: ClassVar[float] = 3.0
    quiet: ClassVar[float] = 20.0
    look: ClassVar[Look] = Look(
        en="DuerOS (Xiaodu)",
        zh="小度",
        color="#2a6cf6",
        mark="度",
        shown=("skill_id",),
        files=(),
        moves=(
            Move(en="Open the skill", zh="打开技能", wish={"action": "launch"}),
            Move(en="Is there an answer?", zh="有回复了吗", wish={"text": "有回复了吗"}),
            Move(en="Leave", zh="退出", wish={"text": "退出"}),
            Move(
                en="Walk away",
                zh="走开不再说话",
                wish={"action": "ended", "reason": "EXCEEDED_MAX_REPROMPTS"},
            ),
        ),
    )

    def routes(self, router: Router) -> None:
        """Register duer.bdstatic.com's path."""
        router.add(
            "GET", "/saiya/flow/(?P<flaw>[a-z]*)-?dueros-api\\.baidu\\.com\\.cer\\.txt", self.certificate
        )

    async def certificate(self, request: Request, flaw: str) -> Response:
        """The certificate with which requests are signed, alone, as Baidu serves it."""
        del request
        if flaw and flaw not in FLAWS:
            return Response(status=404)
        leaf = signer(DNS_NAME, flaw).chain.partition(END)
        return Response(b"".join(leaf[:2]) + b"\n", content_type="text/plain")

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A skill."""
        skill = str(given.get("id") or secrets.token_hex(16))
        return skill, "沙盒商店", {"skill_id": skill, "flaw": ""}

    def envelope(
        self, account: PlatformAccount, customer: Customer, session: Session, turn: Turn, request_id: str
    ) -> Json:
        """Version 2.0 of the request; its time is text."""
        late = 3600 if account.settings["flaw"] == "time" else 0
        request: Json = {"requestId": request_id, "timestamp": str(int(time.time()) - late)}
        if turn.event == "launch":
            request["type"] = "LaunchRequest"
        elif turn.event == "ended":
            reason, _, words = turn.reason.partition(": ")
            request.update(type="SessionEndedRequest", reason=reason or "USER_INITIATED")
            if words:
                request["error"] = {"type": "INVALID_RESPONSE", "message": words}
        else:
            intent = {
                "name": turn.intent or DEFAULT_INTENT,
                "score": 100,
                "confirmationStatus": "NONE",
                "slots": {},
            }
            request.update(
                type="IntentRequest", query={"type": "TEXT", "original": turn.words}, dialogState="STARTED",
                determined=True, intents=[intent],
            )  # fmt: skip
        system = {
            "user": {"userId": self.known(account, customer)},
            "application": {"applicationId": account.settings["skill_id"]},
            "device": {"deviceId": f"device-{customer.id}", "supportedInterfaces": {}},
        }
        held = {"new": session.new, "sessionId": session.id, "attributes": session.attributes}
        return {"version": "2.0", "session": held, "context": {"System": system}, "request": request}

    def headers(self, account: PlatformAccount, body: bytes) -> dict[str, str]:
        """Signature and the certificate's address; flawed ones on demand."""
        flaw = str(account.settings["flaw"])
        host = "duer.bdstatic.com.evil.example" if flaw == "host" else "duer.bdstatic.com"
        name = f"{flaw}-{FILE}" if flaw in FLAWS else FILE
        signed = body + b" " if flaw == "body" else body
        key = signer(DNS_NAME, flaw if flaw in FLAWS else "")
        return {
            "signaturecerturl": f"https://{host}/saiya/flow/{name}",
            "signature": key.sign(signed, SHA1()),  # noqa: S303 (DuerOS has nothing better)
        }

    def spoken(self, turn: Turn, answer: Json) -> Spoken:
        """Check the answer; to an end nothing may be said."""
        if turn.event not in {"", "launch"}:
            return Spoken()
        response = answer.get("response")
        if not isinstance(answer.get("version"), str) or not isinstance(response, dict):
            raise Wrong("The answer has no version or no response")
        attributes = (answer.get("session") or {}).get("attributes") or {}
        if not isinstance(attributes, dict):
            raise Wrong("session.attributes is no object")
        text = speech(response.get("outputSpeech"), KINDS, LONGEST)
        speech((response.get("reprompt") or {}).get("outputSpeech"), KINDS, LONGEST)
        card = response.get("card")
        if card is not None and card.get("type") not in {"txt", "standard", "list", "image"}:
            raise Wrong(f"card.type: {card.get('type')}")
        ends = response.get("shouldEndSession", True)
        return Spoken(
            text=text, card=str((card or {}).get("title") or ""), ends=ends is True, attributes=attributes
        )
