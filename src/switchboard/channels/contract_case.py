"""What the contract suite knows of one adapter: its folder, its fixtures, and the few things its test module
says.
"""

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from switchboard.channels.api import (
    BadPayload,
    BadSignature,
    Channel,
    Content,
    Inbound,
    MessageReceived,
    Outbound,
    Outcome,
    RawRequest,
    Sent,
    Source,
    secrets_of,
)
from switchboard.channels.contract_io import Answer, Golden, Request, ScriptedIo
from switchboard.channels.manifest import Manifest, load
from switchboard.channels.registry import Adapter
from switchboard.core.facts import lane_key

RECEIVED_AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOOK_URL = "https://contact.example/hooks/0123456789abcdef"
REWRITE = os.environ.get("SWITCHBOARD_REWRITE") == "1"
SAMPLES = os.environ.get("SWITCHBOARD_SAMPLES", "")

CONTENT_TYPES = {
    ".json": "application/json",
    ".eml": "message/rfc822",
    ".xml": "text/xml",
    ".form": "application/x-www-form-urlencoded",
}


class Case:
    """The open part of the suite: attributes and hooks that an adapter's test module may set."""

    kind: ClassVar[str] = ""
    """The adapter's folder."""
    package: ClassVar[str] = ""
    """The adapter's package when it isn't one of ours."""
    config: ClassVar[Mapping[str, Any]] = {}
    """A complete configuration, as the administrator's form sends it. Secrets need values of 12 characters or
    more.
    """
    rotated: ClassVar[Mapping[str, Any]] = {}
    """The fields that change when the credential that signs webhooks is rotated, with their new values."""
    proof: ClassVar[str] = "signature"
    """What a webhook proves: signature (over the body), token (a secret in a header), path (nothing but its
    address).
    """
    items: ClassVar[Sequence[str]] = ()
    """Where a webhook carries several items, as paths with stars: `entry.*.changes.*.value.messages.*`."""
    wire: ClassVar[str] = "http"
    """How sends leave: http, own (override `deliver`: SMTP, SMPP), none (the product itself is the platform).
    """
    answer: ClassVar[Answer] = Answer()
    """The platform's plain yes to a send."""
    situations: ClassVar[Mapping[str, Answer]] = {}
    """The platform's own form of unavailable, slow_down (7 seconds), bad_request, unauthorised, silence,
    no_connection.
    """
    errors: ClassVar[Sequence[tuple[Answer, type[Outcome]]]] = ()
    """Further error answers and the outcome each must become."""
    challenge: ClassVar[Mapping[str, str]] = {}
    """The query of the platform's verification request, when the manifest's `does` has challenge."""
    challenge_answer: ClassVar[bytes] = b""
    """The body that answers it."""
    media: ClassVar[Source | None] = None
    """A reference as the platform gives it, when the manifest's `does` has fetch_media."""
    samples: ClassVar[Sequence[str]] = ()
    """Which files of `<SWITCHBOARD_SAMPLES>/<kind>/` are inbound, as patterns: `webhook/*.json`."""
    silent_samples: ClassVar[frozenset[str]] = frozenset()
    """Names of samples that rightly hold no fact (a platform's test ping)."""

    # -- hooks: override where the default does not fit --------------------------------------------------

    def request(self, body: bytes, path: Path) -> RawRequest:
        """Return the webhook request that carries this fixture or sample; wrap a bare sample in its envelope
        here.
        """
        kind = CONTENT_TYPES.get(path.suffix, "application/octet-stream")
        return RawRequest("POST", HOOK_URL, {}, {"content-type": kind}, body, RECEIVED_AT)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the headers (lower-case) by which the platform proves itself to a channel of this
        configuration.
        """
        raise NotImplementedError(
            f"{type(self).__name__}.sign: compute the platform's proof here, apart from the adapter's code"
        )

    def signed(self, request: RawRequest, config: Mapping[str, Any]) -> RawRequest:
        """Return the request as the platform sends it; override where the proof travels in the query."""
        return msgspec.structs.replace(request, headers={**request.headers, **self.sign(request, config)})

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        """Send one message to a scripted platform; return the outcome and what the platform saw."""
        io = ScriptedIo(answers, files)
        sent = await self.channel(io).send(message)
        return sent, io.scripted.requests

    # -- what the suite reads ----------------------------------------------------------------------------

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter under test, loaded alone, so that a neighbour's fault can't fail it."""
        assert self.kind, "name the adapter's folder: kind = …"
        module = importlib.import_module(self.package or f"switchboard.channels.{self.kind}")
        folder = Path(str(module.__file__)).parent
        assert hasattr(module, "CHANNEL"), f"{folder}/__init__.py must say CHANNEL = <the class>"
        return Adapter(load(folder / "manifest.toml"), module.CHANNEL, folder)

    @property
    def manifest(self) -> Manifest:
        """The adapter's manifest."""
        return self.adapter.manifest

    def settings(self, **changes: Any) -> msgspec.Struct:
        """Return the test's configuration as the adapter's Struct."""
        return msgspec.convert({**self.config, **changes}, self.adapter.factory.config_type)

    @cached_property
    def parser(self) -> Channel:
        """The adapter, configured once for all parsing of a test."""
        return self.channel()

    def channel(self, io: ScriptedIo | None = None, **changes: Any) -> Channel:
        """Return the adapter, configured."""
        return self.adapter.factory(self.settings(**changes), io or ScriptedIo([self.answer]))

    def secrets(self) -> list[str]:
        """Return the secret values of the test's configuration."""
        found = secrets_of(self.settings())
        short = [value for value in found if len(value) < 12]
        assert not short, (
            f"give secrets in `config` 12 characters or more, else they can't be searched for: {short}"
        )
        return found

    def fixtures(self) -> list[Path]:
        """Return the payload files, without their expected facts."""
        folder = self.adapter.folder / "fixtures"
        found = [path for path in sorted(folder.glob("*")) if not path.name.endswith(".expected.json")]
        assert found, f"put at least one payload into {folder}"
        return found

    def first_request(self) -> RawRequest:
        """Return the request of the first fixture, not signed."""
        path = self.fixtures()[0]
        return self.request(path.read_bytes(), path)

    def goldens(self) -> list[tuple[Path, Golden]]:
        """Return the golden sends."""
        folder = self.adapter.folder / "sends"
        found = []
        for path in sorted(folder.glob("*.json")):
            try:
                found.append((path, msgspec.json.decode(path.read_bytes(), type=Golden)))
            except msgspec.DecodeError as error:
                raise AssertionError(f"{path}: {error}") from None
        assert found, f'put at least text.json with {{"message": …}} into {folder}'
        return found

    def facts(self, request: RawRequest, what: str) -> list[Inbound]:
        """Return the facts of a request; anything that `parse` must not do fails with `what` was parsed."""
        try:
            found = self.parser.parse(request)
        except BadPayload:
            raise
        except Exception as error:
            raise AssertionError(
                f"{what}: parse raised {error!r}; only BadPayload is allowed, and only for the envelope"
            ) from error
        for fact in sound(found, what):
            assert fact.dedupe_key, f"{what}: a fact without dedupe_key: {fact}"
        return found

    def keys(self, request: RawRequest, what: str) -> list[str]:
        """Return the keys of a request's facts."""
        return [fact.dedupe_key for fact in self.facts(request, what)]

    def refuses(self, request: RawRequest, channel: Channel, what: str) -> None:
        """Fail unless the request is refused as forged."""
        try:
            channel.verify(request)
        except BadSignature:
            return
        except Exception as error:
            raise AssertionError(f"{what}: verify raised {error!r} instead of BadSignature") from error
        raise AssertionError(f"{what}: verify let it pass")


def plain(value: Any) -> Any:
    """Return facts as JSON would keep them, lone surrogates and NULs scrubbed as the webhook door does."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


def sound(facts: list[Inbound], what: str) -> Iterator[Inbound]:
    """Yield facts after checking that they can be stored and read back as what they claim to be."""
    assert isinstance(facts, list), f"{what}: parse must return a list"
    try:
        stored = msgspec.json.encode(plain(msgspec.to_builtins(facts)))
        msgspec.json.decode(stored, type=list[Inbound])
    except Exception as error:
        raise AssertionError(
            f"{what}: a fact can't be stored and read back ({error}): check the types of {facts}"
        ) from error
    for fact in facts:
        assert isinstance(lane_key(fact), str), f"{what}: no lane for {fact}"
        assert fact.occurred_at is None or fact.occurred_at.tzinfo, (
            f"{what}: occurred_at without a time zone: {fact}"
        )
        if isinstance(fact, MessageReceived):
            assert fact.sender.claims, f"{what}: a message of nobody: {fact}"
            assert fact.parts, f"{what}: a message without parts (use Unsupported): {fact}"
            assert fact.address, f"{what}: a message that can't be answered: {fact}"
        yield fact
