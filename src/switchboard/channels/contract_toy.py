"""A small but whole adapter as text: the contract suite tries its own teeth on it (see test_contract)."""

MANIFEST = """
kind = "toy"
colour = "#112233"
tier = "bronze"
docs = "https://docs.example/toy"
names = {en = "Toy", zh = "玩具"}
description = {en = "A platform for tests", zh = "测试用的平台"}
receives = ["text", "unsupported", "receipt"]
receipts = ["delivered"]
does = ["challenge", "fetch_media"]
[sends]
text = {max = 100}
location = true
"""

CODE = """
import hashlib, hmac
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from switchboard.channels.api import (
    BadPayload, BadSignature, Claim, Content, InDoubt, Location, MessageReceived, Reauthorise,
    ReceiptReceived, Refused, Reply, Retry, Sender, Sent, Text, Unreadable, Unsupported, decode, field,
    redact, secret, secrets_of,
)


class Config(msgspec.Struct, frozen=True):
    token: Annotated[str, secret("Token", "令牌")]
    signing_secret: Annotated[str, secret("Signing secret", "签名密钥")]
    name: Annotated[str, field("Name", "名称", "Shown to people", "给人看的名称")] = "toy"


class Toy:
    config_type = Config

    def __init__(self, config: Config, io: Any) -> None:
        self.config, self.io = config, io

    def verify(self, request: Any) -> None:
        mac = hmac.new(self.config.signing_secret.encode(), request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mac.encode(), request.headers.get("x-toy", "").encode()):
            raise BadSignature("x-toy does not fit")

    def challenge(self, request: Any) -> Reply:
        if request.query.get("token") != self.config.token or "challenge" not in request.query:
            return Reply(status=403)
        return Reply(body=request.query["challenge"].encode())

    def parse(self, request: Any) -> list[Any]:
        document = decode(request.body)
        if not isinstance(document, dict) or not isinstance(document.get("events"), list):
            raise BadPayload("no list of events")
        return [self.one(event) for event in document["events"]]

    def one(self, event: Any) -> Any:
        try:
            at = datetime.fromtimestamp(event["at"], UTC)
            ident, kind, who = event["id"], event["kind"], event["from"]
            if not (isinstance(ident, str) and isinstance(kind, str) and isinstance(who, str) and who):
                raise TypeError("id, kind or from is no text")
            if kind == "seen":
                return ReceiptReceived(account="a", dedupe_key=f"seen:{ident}", external_id=ident,
                                       status="delivered", occurred_at=at)
            words = event.get("text") if kind == "text" else None
            part = Text(words) if isinstance(words, str) else Unsupported(kind)
            return MessageReceived(account="a", dedupe_key=f"message:{ident}", external_id=ident,
                                   parts=[part], occurred_at=at, address=who,
                                   sender=Sender([Claim("toy", who)]))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            key = hashlib.sha256(repr(event).encode()).hexdigest()
            return Unreadable(account="a", dedupe_key=f"unreadable:{key}", reason=repr(error)[:100])

    async def send(self, message: Any) -> Sent:
        part = message.parts[0]
        body = {"to": message.to, "key": message.idempotency_key}
        text = isinstance(part, Text)
        body |= {"text": part.text} if text else {"at": [part.latitude, part.longitude]}
        return Sent((await self.call("POST", "/send", body))["id"])

    async def probe(self) -> list[Any]:
        await self.call("GET", "/me", None)
        return []

    async def fetch_media(self, account: str, source: Any) -> Content:
        await self.call("GET", "/media", None)
        return Content("x", "image/png", b"")

    async def call(self, method: str, path: str, body: Any) -> Any:
        url = self.io.platform_url("toy", "https://toy.example") + path
        headers = {"authorization": self.config.token}
        answer = await self.io.http.request(method, url, headers=headers, json=body)
        if answer.status < 300:
            return answer.json()
        words = redact(answer.body.decode(), secrets_of(self.config)) or f"HTTP {answer.status}"
        if answer.status == 401:
            raise Reauthorise(words)
        if answer.status == 429:
            raise Retry(words, after=float(answer.headers["retry-after"]))
        if answer.status >= 500:
            raise Retry(words)
        raise Refused(words)


CHANNEL = Toy
"""

FIXTURES = {
    "batch_two_people": '{"events": ['
    '{"id": "1", "kind": "text", "from": "anna", "at": 178e7, "text": "hello"},'
    ' {"id": "2", "kind": "dance", "from": "bert", "at": 1780000001, "text": "?"}]}',
    "seen": '{"events": [{"id": "3", "kind": "seen", "from": "anna", "at": 1780000002}]}',
}
SENDS = {
    "text": '{"message": {"account": "a", "to": "anna", "idempotency_key": "k1",'
    ' "parts": [{"type": "text", "text": "hello"}]}}',
    "location": '{"message": {"account": "a", "to": "anna", "idempotency_key": "k2",'
    ' "parts": [{"type": "location", "latitude": 52.5, "longitude": 13.4}]}}',
}
GUIDE = "# Toy\n\n## What you need\n\n{0}\n\n## Steps\n\n{0}\n"
