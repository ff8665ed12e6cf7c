"""Amazon Alexa's stand-in: a custom skill's requests, signed with SHA-256 by a certificate for echo-api.amazon.com."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from switchboard.sandbox.standin import Look, Move
from switchboard.sandbox.state import Chat, Customer, PlatformAccount
from switchboard.sandbox.voice.certificates import FLAWS, signer
from switchboard.sandbox.voice.speaker import Session, Speaker, Spoken, Turn, Wrong, speech
from switchboard.sandbox.web import Request, Response, Router

Json = dict[str, Any]
DNS_NAME = "echo-api.amazon.com"
LONGEST = 8000
KINDS = {"PlainText": "text", "SSML": "ssml"}
PHRASES = {
    "stop": "AMAZON.StopIntent", "cancel": "AMAZON.CancelIntent", "help": "AMAZON.HelpIntent",
    "yes": "AMAZON.YesIntent", "no": "AMAZON.NoIntent", "repeat": "AMAZON.RepeatIntent",
}  # fmt: skip
EVENTS = {"enable": "AlexaSkillEvent.SkillEnabled", "disable": "AlexaSkillEvent.SkillDisabled"}


class Alexa(Speaker):
    """Custom skills. `flaw` in the settings makes the next requests such as a skill has to refuse."""

    name: ClassVar[str] = "voice_alexa"
    deadline: ClassVar[float] = 8.0
    quiet: ClassVar[float] = 16.0
    look: ClassVar[Look] = Look(
        en="Alexa",
        zh="Alexa",
        color="#00a0d2",
        mark="A",
        shown=("skill_id",),
        files=(),
        moves=(
            Move(en="Open the skill", zh="打开技能", wish={"action": "launch"}),
            Move(
                en="Is there an answer?",
                zh="有回复了吗",
                wish={"intent": "AnswerIntent", "text": "is there an answer"},
            ),
            Move(
                en="Say something unclear",
                zh="说得含糊不清",
                wish={"intent": "AMAZON.FallbackIntent", "text": "…"},
            ),
            Move(
                en="Walk away",
                zh="走开不再说话",
                wish={"action": "ended", "reason": "EXCEEDED_MAX_REPROMPTS"},
            ),
            Move(en="Enable the skill", zh="启用技能", wish={"action": "enable"}),
            Move(en="Disable the skill", zh="停用技能", wish={"action": "disable"}),
        ),
    )

    def routes(self, router: Router) -> None:
        """Register s3.amazonaws.com's path."""
        router.add("GET", "/echo.api/echo-api-cert-?(?P<flaw>[a-z]*)\\.pem", self.certificate)

    async def certificate(self, request: Request, flaw: str) -> Response:
        """The chain with which requests are signed."""
        del request
        if flaw and flaw not in FLAWS:
            return Response(status=403)
        return Response(signer(DNS_NAME, flaw).chain, content_type="binary/octet-stream")

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """A skill; the words go into one slot of one intent."""
        skill = str(given.get("id") or f"amzn1.ask.skill.{secrets.token_hex(16)}")
        settings = {
            "skill_id": skill,
            "locale": "en-US",
            "intent": "AskIntent",
            "slot": "question",
            "flaw": "",
        }
        return skill, "Sandbox Shop", settings

    def new_user(self) -> str:
        """An id per person and skill."""
        return "amzn1.ask.account." + secrets.token_hex(32).upper()

    def turn(self, account: PlatformAccount, wish: Json) -> Turn:
        """Alexa knows a few phrases herself; the rest is the skill's."""
        words = str(wish.get("text") or "")
        intent = str(wish.get("intent") or PHRASES.get(words.strip().lower(), ""))
        return Turn(words=words, intent=intent or str(account.settings["intent"]))

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> None:
        """Besides opening and leaving: the skill is enabled and disabled in the app."""
        if action in EVENTS:
            self.tell(account, customer, chat, EVENTS[action])
        else:
            super().act(account, customer, chat, action, wish)

    def envelope(
        self, account: PlatformAccount, customer: Customer, session: Session, turn: Turn, request_id: str
    ) -> Json:
        """Version 1.0 of the request."""
        skill = {"applicationId": account.settings["skill_id"]}
        user = {"userId": self.known(account, customer)}
        request: Json = {"requestId": f"amzn1.echo-api.request.{request_id}", "timestamp": self._now(account)}
        request["locale"] = account.settings["locale"]
        request.update(self._request(account, turn))
        device = {"deviceId": f"amzn1.ask.device.{customer.id}", "supportedInterfaces": {}}
        system = {
            "application": skill, "user": user, "device": device, "apiEndpoint": "https://api.amazonalexa.com",
            "apiAccessToken": "sandbox",
        }  # fmt: skip
        made: Json = {"version": "1.0", "context": {"System": system}, "request": request}
        if session.id:
            made["session"] = {
                "new": session.new, "sessionId": f"amzn1.echo-api.session.{session.id}", "application": skill,
                "attributes": session.attributes, "user": user,
            }  # fmt: skip
        return made

    def _now(self, account: PlatformAccount) -> str:
        at = datetime.now(UTC) - timedelta(hours=2 if account.settings["flaw"] == "time" else 0)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _request(self, account: PlatformAccount, turn: Turn) -> Json:
        if turn.event == "launch":
            return {"type": "LaunchRequest"}
        if turn.event == "ended":
            reason, _, words = turn.reason.partition(": ")
            made: Json = {"type": "SessionEndedRequest", "reason": reason or "USER_INITIATED"}
            if words:
                made["error"] = {"type": "INVALID_RESPONSE", "message": words}
            return made
        if turn.event:
            return {
                "type": turn.event,
                "eventCreationTime": self._now(account),
                "eventPublishingTime": self._now(account),
            }
        intent: Json = {"name": turn.intent, "confirmationStatus": "NONE"}
        if turn.intent == account.settings["intent"]:
            slot = str(account.settings["slot"])
            filled = {"name": slot, "value": turn.words, "confirmationStatus": "NONE", "source": "USER"}
            intent["slots"] = {slot: filled}
        return {"type": "IntentRequest", "intent": intent, "dialogState": "STARTED"}

    def headers(self, account: PlatformAccount, body: bytes) -> dict[str, str]:
        """Both signatures and the address of the chain; flawed ones on demand."""
        flaw = str(account.settings["flaw"])
        named = flaw if flaw in FLAWS else "13"
        host = "s3.amazonaws.com.evil.example" if flaw == "host" else "s3.amazonaws.com"
        path = f"/echo.api/echo-api-cert-{named}.pem" if named in FLAWS else "/echo.api/echo-api-cert.pem"
        key = signer(DNS_NAME, flaw if flaw in FLAWS else "")
        signed = body + b" " if flaw == "body" else body
        return {
            "signaturecertchainurl": f"https://{host}{path}",
            "signature": key.sign(signed, SHA1()),  # noqa: S303 (sent along for old skills)
            "signature-256": key.sign(signed, SHA256()),
        }

    def spoken(self, turn: Turn, answer: Json) -> Spoken:
        """Check the answer as Alexa does; to an event or an end nothing may be said."""
        if turn.event not in {"", "launch"}:
            return Spoken()
        response = answer.get("response")
        if not isinstance(answer.get("version"), str) or not isinstance(response, dict):
            raise Wrong("The answer has no version or no response")
        attributes = answer.get("sessionAttributes") or {}
        if not isinstance(attributes, dict):
            raise Wrong("sessionAttributes is no object")
        text = speech(response.get("outputSpeech"), KINDS, LONGEST)
        speech((response.get("reprompt") or {}).get("outputSpeech"), KINDS, LONGEST)
        card = response.get("card")
        if card is not None and card.get("type") not in {
            "Simple",
            "Standard",
            "LinkAccount",
            "AskForPermissionsConsent",
        }:
            raise Wrong(f"card.type: {card.get('type')}")
        ends = response.get("shouldEndSession", "reprompt" not in response)
        title = str((card or {}).get("title") or "")
        return Spoken(text=text, card=title, ends=ends is True, attributes=attributes)
