"""Skills written with the makers' own libraries, in front of the sandbox's speakers over real HTTP.

Alexa: Amazon's `ask-sdk-core` runs the skill, `ask-sdk-webservice-support` verifies certificate, signature and time. DuerOS:
Baidu's `bot-sdk` (npm) runs the skill and verifies the signature; where it isn't installed, that part is skipped. Tmall Genie has
no library that runs here: its test follows the console's documentation.
"""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from ask_sdk_core.dispatch_components.request_components import AbstractRequestHandler
from ask_sdk_core.skill_builder import SkillBuilder
from ask_sdk_core.utils.request_util import get_request_type
from asn1crypto import pem  # type: ignore[import-untyped]  # publishes no types
from cryptography import x509

from switchboard.sandbox.conftest import Running

_search = re.search


def _with_two_digits(pattern: Any, *rest: Any) -> Any:
    if isinstance(pattern, str):
        pattern = pattern.replace(r"\d\.\d\.\d[", r"\d\.\d\.\d+[")
    return _search(pattern, *rest)


# oscrypto 1.3 cannot read OpenSSL versions such as 3.0.19, and does so when it is imported.
with mock.patch.object(re, "search", _with_two_digits):
    from ask_sdk_webservice_support.verifier import RequestVerifier, VerificationException
    from ask_sdk_webservice_support.webservice_handler import WebserviceSkillHandler
    from certvalidator import CertificateValidator, ValidationContext  # type: ignore[import-untyped]  # publishes no types
    from certvalidator.errors import PathError, ValidationError  # type: ignore[import-untyped]  # publishes no types

LIBRARIES = {
    "voice_alexa": "ask-sdk-core and ask-sdk-webservice-support",
    "voice_dueros": "bot-sdk (npm)",
}

MODULES = Path(
    os.environ.get("SWITCHBOARD_NODE_MODULES", Path(__file__).parents[3] / "frontend/node_modules")
)
BOT_SDK = MODULES / "bot-sdk"
needs_bot_sdk = pytest.mark.skipif(
    not BOT_SDK.is_dir() or not shutil.which("node"), reason="npm's bot-sdk is not installed"
)
Json = dict[str, Any]
Answer = Callable[[dict[str, str], bytes], tuple[int, bytes]]


class Skill:
    """A skill's web service: `answer` says what to each request; all are kept."""

    def __init__(self, answer: Answer) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answer = answer
        skill = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said = skill.answer(headers, body)
                skill.calls.append((headers, body))
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/skill"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def bodies(self) -> list[Json]:
        return [json.loads(body) for _, body in self.calls]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def skill() -> Iterator[Skill]:
    made = Skill(lambda headers, body: (200, b"{}"))
    yield made
    made.close()


class Talk:
    """Ann, her speaker, and what is heard."""

    def __init__(self, sandbox: Running, skill: Skill, platform: str, **settings: Any) -> None:
        self.sandbox = sandbox
        sandbox.post("/sandbox/customers", id="ann", name="Ann")
        self.account = sandbox.post(
            f"/sandbox/platforms/{platform}", webhook_url=skill.url, name="Shop", settings=settings
        )

    def set(self, **settings: Any) -> None:
        path = f"/sandbox/platforms/{self.account['platform']}"
        self.sandbox.post(path, id=self.account["id"], settings=settings)

    def heard(self, **wish: Any) -> str:
        """What the speaker says to this; the reason where the skill fails."""
        before = len(self._said())
        self.sandbox.play(self.account, "ann", **wish)
        until = time.monotonic() + 15
        while len(self._said()) == before and time.monotonic() < until:
            time.sleep(0.02)
        return str(self._said()[before]["text"])

    def _said(self) -> list[Json]:
        key = f"{self.account['platform']}:{self.account['id']}:ann"
        answer = self.sandbox.http.get(f"/sandbox/chats/{key}/bubbles")
        found: list[Json] = answer.json()["bubbles"] if answer.is_success else []
        return [b for b in found if b["side"] == "business"]


def settled(skill: Skill, count: int) -> list[Json]:
    until = time.monotonic() + 5
    while len(skill.calls) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(skill.calls) == count, skill.bodies()
    return skill.bodies()


# -- Alexa -----------------------------------------------------------------------------------------------------


class SandboxVerifier(RequestVerifier):
    """Amazon's verifier: address, signature and time are its own.

    The chain comes from the sandbox, whose root is trusted; the look at the leaf is written again, because Amazon's asks
    `cryptography` for something that it no longer has.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def _load_cert_chain(self, cert_url: str) -> bytes:
        answer = httpx.get(f"{self._url}{httpx.URL(cert_url).path}", trust_env=False)
        if answer.status_code != 200:
            raise VerificationException("Unable to load certificate from URL")
        return answer.content

    def _validate_cert_chain(self, cert_chain: bytes) -> None:
        leaf, *others = [found for _, _, found in pem.unarmor(cert_chain, multiple=True)]
        good = httpx.get(f"{self._url}/echo.api/echo-api-cert.pem", trust_env=False).content
        root = [found for _, _, found in pem.unarmor(good, multiple=True)][-1]
        context = ValidationContext(trust_roots=[root])
        try:
            validator = CertificateValidator(leaf, others, validation_context=context)
            validator.validate_usage(key_usage={"digital_signature"})
        except (PathError, ValidationError) as error:
            raise VerificationException("Certificate chain is not valid", error) from error

    def _validate_end_certificate(self, x509_cert: x509.Certificate) -> None:
        if not x509_cert.not_valid_before_utc <= datetime.now(UTC) <= x509_cert.not_valid_after_utc:
            raise VerificationException("Signing Certificate expired")
        names = x509_cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if "echo-api.amazon.com" not in names.get_values_for_type(x509.DNSName):
            raise VerificationException("domain missing in Signature Certificate Chain")


class Everything(AbstractRequestHandler):
    """A skill that repeats what it is asked and counts the turns in the session."""

    def can_handle(self, handler_input: Any) -> bool:
        return True

    def handle(self, handler_input: Any) -> Any:
        kind, builder = get_request_type(handler_input), handler_input.response_builder
        if kind == "LaunchRequest":
            return builder.speak("Welcome").ask("Your question?").response
        if kind != "IntentRequest":
            return builder.response
        intent = handler_input.request_envelope.request.intent
        attributes = handler_input.attributes_manager.session_attributes
        attributes["turns"] = attributes.get("turns", 0) + 1
        if intent.name == "AMAZON.StopIntent":
            return builder.speak("Bye").set_should_end_session(True).response
        words = intent.slots["question"].value if intent.slots else intent.name
        return builder.speak(f"{attributes['turns']}: {words}").ask("More?").response


@pytest.fixture
def alexa(sandbox: Running, skill: Skill) -> Talk:
    builder = SkillBuilder()
    builder.add_request_handler(Everything())
    handler = WebserviceSkillHandler(
        builder.create(), verify_signature=False, verifiers=[SandboxVerifier(sandbox.url)]
    )

    def answer(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            said = handler.verify_request_and_dispatch(headers, body.decode())
        except VerificationException:
            return 400, b""
        return 200, json.dumps(said).encode()

    skill.answer = answer
    return Talk(sandbox, skill, "voice_alexa")


def test_a_skill_by_amazons_library_verifies_understands_and_remembers(
    sandbox: Running, alexa: Talk, skill: Skill
) -> None:
    assert "<speak>Welcome</speak>" in alexa.heard(action="launch")
    assert "1: where is my order" in alexa.heard(text="where is my order")
    assert "2: AMAZON.HelpIntent" in alexa.heard(text="Help")
    assert "3: AnswerIntent" in alexa.heard(intent="AnswerIntent", text="is there an answer")
    assert "Bye" in alexa.heard(text="stop")
    assert "1: again" in alexa.heard(text="again")
    bodies = settled(skill, 6)
    sessions = [b["session"] for b in bodies]
    assert [s["new"] for s in sessions] == [True, False, False, False, False, True]
    assert len({s["sessionId"] for s in sessions[:5]}) == 1
    assert sessions[5]["sessionId"] != sessions[0]["sessionId"]
    assert sessions[3]["attributes"] == {"turns": 2}
    assert [e["text"] for e in sandbox.ledger()][1] == "<speak>1: where is my order</speak>"
    sandbox.play(alexa.account, "ann", action="ended", reason="EXCEEDED_MAX_REPROMPTS")
    ended = settled(skill, 7)[-1]["request"]
    assert (ended["type"], ended["reason"]) == ("SessionEndedRequest", "EXCEEDED_MAX_REPROMPTS")
    sandbox.play(alexa.account, "ann", action="disable")
    left = settled(skill, 8)[-1]
    assert left["request"]["type"] == "AlexaSkillEvent.SkillDisabled"
    assert "session" not in left


@pytest.mark.parametrize("flaw", ["body", "expired", "name", "chain", "host", "time"])
def test_amazons_library_refuses_each_flaw(sandbox: Running, alexa: Talk, flaw: str) -> None:
    alexa.set(flaw=flaw)
    assert alexa.heard(text="hello") == "The skill answered HTTP 400"
    alexa.set(flaw="")
    assert "1: hello" in alexa.heard(text="hello")
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"no json", "The answer is not JSON"),
        (b"{}", "The answer has no version or no response"),
        (b'{"version":"1.0","response":{"outputSpeech":{"type":"Song"}}}', "outputSpeech.type: Song"),
        (b"x" * 25_000, "The answer is larger than 24 kB"),
    ],
)
def test_an_answer_that_is_none_ends_the_talk_and_the_skill_is_told(
    sandbox: Running, skill: Skill, answer: bytes, reason: str
) -> None:
    skill.answer = lambda headers, body: (200, answer)
    talk = Talk(sandbox, skill, "voice_alexa")
    assert talk.heard(text="hello") == reason
    told = settled(skill, 2)[-1]["request"]
    assert (told["reason"], told["error"]["message"]) == ("ERROR", reason)
    assert sandbox.ledger() == []


# -- DuerOS ----------------------------------------------------------------------------------------------------

BOT = """
const https = require("https"), http = require("http");
const [library, sandbox] = process.argv.slice(1);
const there = new URL(sandbox);
https.request = (given, done) => http.request(
  { method: given.method, path: given.path, hostname: there.hostname, port: there.port }, done);
const Bot = require(library);
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", () => {
  const { headers, body } = JSON.parse(text);
  const bot = new Bot(JSON.parse(body));
  bot.initCertificate(headers, body).enableVerifyRequestSign();
  bot.addLaunchHandler(() => {
    bot.waitAnswer();
    return { outputSpeech: "欢迎", reprompt: "请说" };
  });
  bot.addSessionEndedHandler(() => ({}));
  bot.addIntentHandler("ai.dueros.common.default_intent", () => {
    const turns = bot.getSessionAttribute("turns", 0) + 1;
    bot.setSessionAttribute("turns", turns);
    bot.waitAnswer();
    return { outputSpeech: turns + "：" + bot.request.getQuery() };
  });
  bot.run().then((said) => process.stdout.write(typeof said === "string" ? said : JSON.stringify(said)));
});
"""


@needs_bot_sdk
def test_a_skill_by_baidus_library_verifies_and_understands(
    sandbox: Running, skill: Skill, tmp_path: Path
) -> None:
    # The library keeps certificates beside its own files.
    library = tmp_path / "bot-sdk"
    shutil.copytree(BOT_SDK, library)

    def answer(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        asked = json.dumps({"headers": headers, "body": body.decode()})
        done = subprocess.run(
            [str(shutil.which("node")), "-e", BOT, str(library), sandbox.url],
            input=asked, capture_output=True, text=True, timeout=30, check=True,
            env={**os.environ, "NODE_PATH": str(MODULES)},
        )  # fmt: skip
        return 200, done.stdout.encode()

    skill.answer = answer
    talk = Talk(sandbox, skill, "voice_dueros")
    assert talk.heard(action="launch") == "欢迎"
    assert talk.heard(text="我的快递到哪了") == "1：我的快递到哪了"
    assert talk.heard(text="还有吗") == "2：还有吗"
    assert [b["session"]["new"] for b in skill.bodies()] == [True, False, False]
    talk.set(flaw="body")
    assert talk.heard(text="你好") == "The answer has no version or no response"
    assert len(sandbox.ledger()) == 3


# -- Tmall Genie -----------------------------------------------------------------------------------------------


def test_tmall_genie_names_the_header_and_listens_on_only_for_a_slot(sandbox: Running, skill: Skill) -> None:
    talk = Talk(sandbox, skill, "voice_tmall")
    value: Json = {"reply": "请稍等", "resultType": "RESULT", "executeCode": "SUCCESS"}
    skill.answer = lambda headers, body: (200, json.dumps({"returnCode": "0", "returnValue": value}).encode())
    assert talk.heard(action="launch") == "请稍等"
    assert talk.heard(text="我的快递到哪了") == "请稍等"
    headers, body = skill.calls[-1]
    settings, asked = talk.account["settings"], json.loads(body)
    assert headers["x-skill-token"] == settings["header_value"]
    assert (asked["intentName"], asked["utterance"]) == ("ask", "我的快递到哪了")
    assert asked["slotEntities"][0]["intentParameterName"] == "question"
    assert asked["requestData"]["userOpenId"]
    assert not asked["skillSession"]["newSession"]
    value["resultType"] = "ASK_INF"
    assert talk.heard(text="在吗") == "askedInfos: ASK_INF has to say which slot it asks for"
    value["askedInfos"] = [{"parameterName": "question", "intentId": int(settings["intent_id"])}]
    assert talk.heard(text="在吗") == "请稍等"
    skill.answer = lambda headers, body: (
        200,
        json.dumps({"returnCode": "-1", "returnValue": value}).encode(),
    )
    assert talk.heard(text="在吗") == "returnCode: -1"
    talk.set(flaw="header")
    talk.heard(text="在吗")
    assert skill.calls[-2][0]["x-skill-token"] == "wrong"
    assert len(sandbox.ledger()) == 3


def test_a_skill_that_is_late_is_not_heard(sandbox: Running, skill: Skill) -> None:
    talk = Talk(sandbox, skill, "voice_tmall")
    waits = threading.Event()

    def answer(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        waits.wait(6)
        return 200, b"{}"

    skill.answer = answer
    assert talk.heard(text="在吗").startswith("The skill did not answer in 3 s")
    waits.set()
    assert sandbox.ledger() == []
