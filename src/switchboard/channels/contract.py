"""The contract that every adapter fulfils: one suite, inherited, never copied.

A test module is a subclass, and usually nothing more than this:

    from switchboard.channels.contract import Answer, ChannelContract

    class TestExample(ChannelContract):
        kind = "example"
        config = {"token": "a-token-for-tests", "signing_secret": "a-secret-for-tests"}
        rotated = {"signing_secret": "another-secret-for-tests"}
        answer = Answer(json={"id": "m1"})                      # the platform's plain yes to a send
        items = ("events.*",)                                   # where a webhook carries several items
        samples = ("webhook/*.json",)                        # inbound files of SWITCHBOARD_SAMPLES/example/

        def sign(self, request, config):                        # computed apart from the adapter's own code
            mac = hmac.new(config["signing_secret"].encode(), request.body, "sha256")
            return {"x-example-signature": mac.hexdigest()}

`contract_case.Case` documents every attribute and hook. In the folder the suite expects:

- `fixtures/<what it shows>.json` (or .eml, .xml): bodies as the platform posts them, written by us from its
  documentation; `fixtures/<what it shows>.expected.json`: the facts they become. Missing ones are written
  on the first run, which fails and asks you to read them; SWITCHBOARD_REWRITE=1 writes all of them anew.
  Where `items` is set, one fixture is named `batch….json`.
- `sends/<what it shows>.json`: {"message": Outbound} by you, with "files" for media and "answers" where the
  platform is asked more than once; the exact "requests" and "sent" are written for you to review.
- `manifest.toml`, `setup.en.md`, `setup.zh.md`.

Adapters without a webhook (`webhook = false`: e-mail) use the same suite: `verify` must refuse everything
and `parse` reads the raw bytes that a poll or a session brings. Adapters that do not speak HTTP say `wire =
"own"` and override `deliver`, with a server of their own on loopback; `Answer.status` is then their
protocol's code.

The suite can't be weakened: a subclass may set the attributes and hooks of `Case`, add tests and constants
of its own, and nothing else. To except a test for a time, override it with `@pytest.mark.xfail(reason="…",
strict=True)`; the reason is read in review.
"""

from typing import Any

from switchboard.channels.contract_case import Case
from switchboard.channels.contract_folder import FolderTests
from switchboard.channels.contract_inbound import InboundTests
from switchboard.channels.contract_io import Answer, Golden, Request, ScriptedHttp, ScriptedIo, Upload
from switchboard.channels.contract_outbound import OutboundTests

__all__ = ["Answer", "ChannelContract", "Golden", "Request", "ScriptedHttp", "ScriptedIo", "Upload"]

OPEN = {
    "kind",
    "package",
    "config",
    "rotated",
    "proof",
    "items",
    "wire",
    "answer",
    "situations",
    "errors",
    "challenge",
    "challenge_answer",
    "media",
    "samples",
    "silent_samples",
    "request",
    "sign",
    "signed",
    "deliver",
}


class Weakened(TypeError):
    """A test class tried to take something out of the contract."""


class ChannelContract(FolderTests, InboundTests, OutboundTests):
    """Subclass this, name the adapter, and all of the suite runs on it."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if getattr(cls, "__test__", True) is False:
            raise Weakened(f"{cls.__name__}: __test__ = False hides the whole contract; remove it")
        if any(mark.name.startswith("skip") for mark in _marks(cls)):
            raise Weakened(
                f"{cls.__name__} is marked to be skipped; except single tests with xfail and a reason instead"
            )
        closed = {name for base in ChannelContract.__mro__[:-1] for name in vars(base)} - OPEN
        for name, value in vars(cls).items():
            if name not in closed or name in {"__module__", "__doc__", "__qualname__", "__annotations__"}:
                continue
            if name.startswith("test_") and any(_reason(mark) for mark in _marks(value)):
                continue
            raise Weakened(
                f"{cls.__name__}.{name} replaces a part of the contract. Tests of your own want other names; "
                'to except this one for a time, mark it @pytest.mark.xfail(reason="why", strict=True).'
            )


def _marks(thing: object) -> list[Any]:
    marks = getattr(thing, "pytestmark", [])
    return list(marks) if isinstance(marks, list) else [marks]


def _reason(mark: Any) -> str:
    return str(mark.kwargs.get("reason", "")).strip() if mark.name == "xfail" else ""


assert set(vars(Case)) >= OPEN, "OPEN names something that Case doesn't have"
