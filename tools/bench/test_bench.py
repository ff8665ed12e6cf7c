"""What a benchmark must not get wrong: its arithmetic, its load, what it reads from the wire."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from switchboard.channels.api import RawRequest
from switchboard.channels.registry import adapters
from switchboard.core.facts import MessageReceived
from switchboard.core.ids import new_id
from tools.bench import hand, kills, numbers
from tools.bench.installation import APP_SECRET, HOOK, KINDS, WHATSAPP_NUMBER, Company
from tools.bench.numbers import Number, Report, percentile
from tools.bench.processes import Failed
from tools.bench.webhooks import batches, customer
from tools.bench.wire import Socket
from tools.bench.words import texts


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([float(one) for one in range(1, 101)], 0.99) == 99
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert percentile([7.0], 0.99) == 7


@pytest.mark.parametrize(
    ("value", "at_most", "holds"), [(9.9, True, True), (10.1, True, False), (10.1, False, True)]
)
def test_a_bar_holds_on_its_own_side(value: float, at_most: bool, holds: bool) -> None:
    one = Number(key="k", what="w", value=value, unit="ms", bar=10, at_most=at_most, command="c")
    assert one.holds is holds
    assert numbers.verdict(one) == ("yes" if holds else "no")


def test_a_report_keeps_what_was_not_measured_again(tmp_path: Path) -> None:
    report = Report("machine")
    old = [Number(key=key, what=key, value=1, unit="ms", command="c") for key in "ab"]
    report.add(old, "0.1")
    report.add([Number(key="b", what="b", value=2, unit="ms", command="c")], "0.2")
    numbers.write(report, tmp_path)
    kept = numbers.read(tmp_path / "report.json")
    assert {key: one.value for key, one in kept.numbers.items()} == {"a": 1, "b": 2}


def test_the_load_is_what_the_platform_would_send() -> None:
    made, ids = batches(
        300,
        senders=50,
        first=7,
        run="R",
        address="h",
        hook=HOOK,
        number=WHATSAPP_NUMBER,
        secret=APP_SECRET,
        seed=1,
    )
    adapter = adapters()["whatsapp"]
    channel = adapter.factory(msgspec.convert(KINDS["whatsapp"][2], adapter.factory.config_type), _Nowhere())  # type: ignore[arg-type]  # parsing needs no outside world
    found: list[tuple[str, str]] = []
    for batch in made:
        head, _, body = batch.request.partition(b"\r\n\r\n")
        proof = head.decode().split("X-Hub-Signature-256: ")[1].split("\r\n")[0]
        request = RawRequest("POST", "", {}, {"x-hub-signature-256": proof}, body, datetime.now(UTC))
        channel.verify(request)
        facts = [fact for fact in channel.parse(request) if isinstance(fact, MessageReceived)]
        assert [fact.sender.name for fact in facts] == [customer(one) for one in batch.senders]
        found += [(fact.external_id, fact.account) for fact in facts]
    assert {name for name, _ in found} == ids
    assert len(found) == len(ids) == 300
    assert {account for _, account in found} == {WHATSAPP_NUMBER}


class _Nowhere:
    def platform_url(self, _: str, default: str) -> str:
        return default


async def test_a_socket_reads_frames_however_they_are_cut() -> None:
    heard: list[bytes] = []
    socket = Socket("/", "h", lambda payload, _: heard.append(payload))
    long = b"x" * 70_000
    wire = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi\x81\x7e\x01\x00" + b"y" * 256
    wire += b"\x81\x7f" + len(long).to_bytes(8, "big") + long
    for at in range(0, len(wire), 1000):
        socket.data_received(wire[at : at + 1000])
    assert heard == [b"hi", b"y" * 256, long]


def test_the_script_names_no_variable_that_nobody_sets() -> None:
    """pgbench takes `:name` for a variable even inside a string, and sends an unknown one as it stands."""
    script = "\n".join(line for line in hand.SCRIPT.read_text().splitlines() if not line.startswith("--"))
    given = {"search", "senders", "first", "agents", *hand.samples(_company())}
    made = set(re.findall(r"^\\set (\w+)", script, re.MULTILINE))
    for select in re.findall(r"([^;]*?)\\gset", script):
        made |= set(re.findall(r"\bas (\w+)", select)) | set(re.findall(r"returning (\w+)\s*$", select))
    used = set(re.findall(r"(?<!:):([a-zA-Z_]\w*)", script))
    assert used - given - made == set()


def _company() -> Company:
    return Company(new_id(), [], [], {"whatsapp": new_id()}, {"whatsapp": new_id()})


def test_words_come_as_often_as_words_do() -> None:
    written = list(texts(1, 3000))
    assert sum("订单" in text for text in written) > 100
    assert 0 < sum("键盘" in text for text in written) < sum("订单" in text for text in written) / 3


def test_too_few_kills_are_told_and_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_DATA", str(tmp_path))
    with pytest.raises(Failed):
        kills.read()
    (tmp_path / "faults").mkdir()
    path = tmp_path / "faults" / "report.json"
    finding = {"check": "none twice", "looked_at": 9, "wrong": ["m1 ×2"]}
    path.write_bytes(msgspec.json.encode({"kills": [{}] * 6, "findings": [finding]}))
    assert kills.read()[0].holds is None
    path.write_bytes(msgspec.json.encode({"kills": [{}] * 50, "findings": [finding]}))
    assert kills.read()[0].holds is False
