"""The contract suite itself: a good adapter passes, each planted fault is caught by the test that is there
for it.
"""

import hashlib
import hmac
import importlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from switchboard.channels.api import RawRequest, Reauthorise, Refused, Retry, Source
from switchboard.channels.contract import Answer, ChannelContract, Weakened
from switchboard.channels.contract_toy import CODE, FIXTURES, GUIDE, MANIFEST, SENDS

PACKAGE = "contract_toy_adapter"


class ToyContract(ChannelContract):
    """What a test module of the toy would hold (run by hand below, hence no name that pytest collects)."""

    kind = "toy"
    package = PACKAGE
    config: ClassVar[Mapping[str, Any]] = {
        "token": "the-token-of-tests",
        "signing_secret": "the-secret-of-tests",
    }
    rotated: ClassVar[Mapping[str, Any]] = {"signing_secret": "another-secret-of-tests"}
    answer = Answer(json={"id": "m1"})
    items = ("events.*",)
    challenge: ClassVar[Mapping[str, str]] = {"token": "the-token-of-tests", "challenge": "42"}
    challenge_answer = b"42"
    media = Source("m")
    errors = ((Answer(status=404, json={"message": "no such person"}), Refused),)

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            "x-toy": hmac.new(config["signing_secret"].encode(), request.body, hashlib.sha256).hexdigest()
        }


def suite() -> list[str]:
    return sorted(name for name in dir(ToyContract) if name.startswith("test_"))


def failures(part: str = "") -> set[str]:
    """Run the suite, or those tests whose names hold `part`, on the toy; return the tests that failed."""
    failed = set()
    chosen = [name for name in suite() if part in name]
    assert chosen, f"the suite has no test that catches {part}"
    for name in chosen:
        try:
            getattr(ToyContract(), name)()
        except pytest.skip.Exception:
            pass
        except Exception:  # noqa: BLE001 - a planted fault may fall over in any way
            failed.add(name)
    return failed


class Toybox:
    """The toy's folder, to be spoilt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        self.put(name, text.replace(old, new))
        forget()


def forget() -> None:
    sys.modules.pop(PACKAGE, None)
    importlib.invalidate_caches()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good adapter whose expected facts and requests have been written and accepted."""
    box = Toybox(tmp_path_factory.mktemp("finished") / PACKAGE)
    box.put("manifest.toml", MANIFEST)
    box.put("__init__.py", CODE)
    box.put("setup.en.md", GUIDE.format("Do this, then that, then look whether it worked. " * 10))
    box.put("setup.zh.md", GUIDE.format("先做这一步，再做那一步，然后检查是否成功。" * 10))
    for name, text in FIXTURES.items():
        box.put(f"fixtures/{name}.json", text)
    for name, text in SENDS.items():
        box.put(f"sends/{name}.json", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(box.folder.parent))
        patch.setattr(sys, "dont_write_bytecode", True)
        forget()
        assert failures() == {
            "test_fixtures_become_the_expected_facts",
            "test_golden_sends_are_sent_exactly_so",
        }, "the first run writes what is to be reviewed, and fails to make somebody look"
    return box.folder


@pytest.fixture
def toy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toybox]:
    """A copy of the good adapter."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    shutil.copytree(finished, tmp_path / PACKAGE)
    forget()
    yield Toybox(tmp_path / PACKAGE)
    forget()


def test_a_good_adapter_passes(toy: Toybox) -> None:
    assert failures() == set()
    assert len(suite()) >= 25


CODE_FAULTS = [
    (
        "if not hmac.compare_digest(mac",
        "if request.headers.get('x-toy') and not hmac.compare_digest(mac",
        "unsigned_request",
    ),
    (
        'mac.encode(), request.headers.get("x-toy", "").encode()',
        'mac, request.headers.get("x-toy", "")',
        "wrong_signature",
    ),
    (
        "if not hmac",
        "if len(request.headers.get('x-toy', '')) != 64 or not request.body and not hmac",
        "flipped_byte",
    ),
    ("self.config.signing_secret.encode()", "b'the-secret-of-tests'", "rotated_credential"),
    (
        "request.body, hashlib.sha256).hexdigest()\n        if",
        "request.body, hashlib.sha1).hexdigest()\n        if",
        "signed_request",
    ),
    ("part = Text(words)", "part = Text(words.upper())", "expected_facts"),
    ('f"seen:{ident}"', 'f"seen:{ident}{id(object())}{hash(datetime.now(UTC))}"', "expected_facts"),
    ('f"message:{ident}"', '"message:1"', "keys_are_distinct"),
    (
        "return [self.one(event) for",
        "return [self.one(dict(event, id=event['id'] + str(request.received_at.day))) for",
        "keys_are_distinct",
    ),
    ("(KeyError, TypeError, ValueError, OverflowError, OSError)", "(KeyError, TypeError)", "broken_payloads"),
    ("isinstance(who, str) and who", "who", "broken_payloads"),
    ("document = decode(request.body)", "document = msgspec.json.decode(request.body)", "hostile_bodies"),
    (
        'return [self.one(event) for event in document["events"]]',
        (
            "facts = [self.one(event) for event in document['events']]\n"
            "        if any(isinstance(f, Unreadable) for f in facts):\n"
            "            raise BadPayload('bad')\n        return facts"
        ),
        "neighbours",
    ),
    ("document = decode", "import socket; socket.socket().close(); document = decode", "expected_facts"),
    ("document = decode", "import time; time.sleep(0.02); document = decode", "quick"),
    ('"key": message.idempotency_key', '"key": id(message)', "golden_sends"),
    (
        "if answer.status >= 500:\n            raise Retry",
        "if answer.status >= 500:\n            raise InDoubt",
        "failures_become",
    ),
    ('after=float(answer.headers["retry-after"])', "after=None", "failures_become"),
    (
        "if answer.status == 401:\n            raise Reauthorise",
        "if answer.status == 401:\n            raise Refused",
        "failures_become",
    ),
    ("redact(answer.body.decode(), secrets_of(self.config))", "answer.body.decode()", "failures_become"),
    ("if answer.status == 401", "if answer.status in (401, 404)", "error_answers"),
    ("return Reply(status=403)", "pass", "challenge"),
    ('await self.call("GET", "/me", None)', "pass", "wrong_credentials"),
    ('await self.call("GET", "/media", None)', "pass", "media_that"),
    ('secret("Token", "令牌")', 'field("Token", "令牌")', "configuration"),
    (
        'field("Name", "名称", "Shown to people", "给人看的名称")',
        'field("Name", "名称", "Shown to people")',
        "configuration",
    ),
    ("import msgspec\n", "import msgspec\nimport switchboard.channels.registry\n", "import_only"),
    (
        "CHANNEL = Toy",
        (
            "CHANNEL = Toy\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
            "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
        ),
        "files_are_small",
    ),
    (
        "    async def probe",
        "    def ack(self, request: Any) -> Reply:\n        return Reply()\n\n    async def probe",
        "does_names",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "caught_by"), CODE_FAULTS)
def test_a_fault_in_the_code_is_caught(toy: Toybox, old: str, new: str, caught_by: str) -> None:
    toy.change("__init__.py", old, new)
    assert failures(caught_by)


@pytest.mark.parametrize(
    ("name", "old", "new", "caught_by"),
    [
        ("manifest.toml", '"text", "unsupported"', '"text"', "claims_what_the_fixtures"),
        (
            "manifest.toml",
            '"text", "unsupported"',
            '"text", "image", "unsupported"',
            "claims_what_the_fixtures",
        ),
        ("manifest.toml", '"delivered"', '"delivered", "read"', "claims_what_the_fixtures"),
        ("manifest.toml", "location = true", "", "claims_what_the_golden"),
        ("manifest.toml", "location = true", "location = true\nproduct = true", "claims_what_the_golden"),
        ("manifest.toml", 'zh = "测试用的平台"', 'zh = ""', "manifest_is_complete"),
        ("manifest.toml", 'kind = "toy"', 'kind = "joy"', "folder_is_named"),
        ("manifest.toml", '"challenge", "fetch_media"', '"challenge", "fetch_media", "poll"', "does_names"),
        ("setup.zh.md", "## ", "### ", "guide"),
        ("fixtures/batch_two_people.json", "bert", "anna", "neighbours"),
        ("sends/text.json", '"m1"', '"m2"', "golden_sends"),
    ],
)
def test_a_fault_in_the_folder_is_caught(toy: Toybox, name: str, old: str, new: str, caught_by: str) -> None:
    toy.change(name, old, new)
    assert failures(caught_by)


def test_a_real_sample_must_be_understood(
    toy: Toybox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "samples" / "toy" / "hooks"
    folder.mkdir(parents=True)
    (folder / "good.json").write_text(FIXTURES["seen"])
    monkeypatch.setattr("switchboard.channels.contract_inbound.SAMPLES", str(tmp_path / "samples"))
    with pytest.raises(AssertionError, match="name the inbound files"):
        ToyContract().test_real_samples_are_understood()
    monkeypatch.setattr(ToyContract, "samples", ("hooks/*.json",))
    ToyContract().test_real_samples_are_understood()
    for bad, words in (
        ('{"events": [{}]}', "unreadable"),
        ('{"events": []}', "not a single fact"),
        ("[]", "not a bad one"),
    ):
        (folder / "bad.json").write_text(bad)
        with pytest.raises(AssertionError, match=words):
            ToyContract().test_real_samples_are_understood()


def test_without_samples_it_says_so(toy: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.channels.contract_inbound.SAMPLES", "")
    with pytest.raises(pytest.skip.Exception, match="SWITCHBOARD_SAMPLES"):
        ToyContract().test_real_samples_are_understood()


def test_the_contract_cannot_be_weakened() -> None:
    name = "test_an_unsigned_request_is_refused"
    with pytest.raises(Weakened, match="replaces a part of the contract"):
        type("T", (ChannelContract,), {name: lambda self: None})
    with pytest.raises(Weakened, match="replaces a part of the contract"):
        type("T", (ChannelContract,), {name: None})
    with pytest.raises(Weakened, match="replaces a part of the contract"):
        type("T", (ChannelContract,), {"refuses": lambda *_: None})
    with pytest.raises(Weakened, match="hides the whole contract"):
        type("T", (ChannelContract,), {"__test__": False})
    with pytest.raises(Weakened, match="marked to be skipped"):
        type("T", (ChannelContract,), {"pytestmark": [pytest.mark.skip(reason="later")]})
    with pytest.raises(Weakened, match="replaces a part of the contract"):
        type("T", (ChannelContract,), {name: pytest.mark.xfail(lambda self: None)})

    @pytest.mark.xfail(reason="the platform is on strike")
    def allowed(self: ChannelContract) -> None:
        """An exception with a reason, for a time."""

    type("T", (ChannelContract,), {name: allowed, "test_of_its_own": lambda self: None, "kind": "x"})


def test_every_adapter_is_under_contract() -> None:
    """A folder without a subclass of the suite, named TestSomething in test_<kind>.py, doesn't get in."""
    here = Path(__file__).parent
    folders = [path.parent for path in sorted(here.glob("*/manifest.toml"))]
    for folder in folders:
        path = folder / f"test_{folder.name}.py"
        assert path.exists(), f"{folder.name}: write test_{folder.name}.py, a subclass of ChannelContract"
        module = importlib.import_module(f"switchboard.channels.{folder.name}.test_{folder.name}")
        classes = [
            thing
            for thing in vars(module).values()
            if isinstance(thing, type) and issubclass(thing, ChannelContract) and thing is not ChannelContract
        ]
        assert any(c.__name__.startswith("Test") and c.kind == folder.name for c in classes), (
            f"{path.name}: class Test…(ChannelContract) with kind = {folder.name!r}"
        )
        assert not hasattr(module, "pytestmark"), f"{path.name}: a module-wide mark can hide the contract"
        assert not (folder / "conftest.py").exists(), f"{folder.name}/conftest.py could deselect the contract"


def test_outcomes_are_told_apart() -> None:
    """The three that the suite sorts by are no kin of each other, so that isinstance can't confuse them."""
    assert not issubclass(Retry, Refused | Reauthorise)
    assert not issubclass(Refused, Retry | Reauthorise)
