"""Contract tests of what comes in: proof of origin, fixtures, broken input, batches, real samples."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchboard.channels.api import (
    BadPayload,
    BadSignature,
    EchoReceived,
    Inbound,
    MessageEdited,
    MessageReceived,
    RawRequest,
    ReceiptReceived,
    Unreadable,
)
from switchboard.channels.contract_case import REWRITE, SAMPLES, Case, plain
from switchboard.channels.contract_mutations import (
    DROP,
    changed,
    hostile_bodies,
    json_mutants,
    nodes,
    text_mutants,
)
from switchboard.core.parts import kind_of

EVERYBODY = {"message", "unreadable"}
SLOWEST_PARSE = 0.01


class InboundTests(Case):
    """Only the platform is believed, and whatever it says is taken without falling over."""

    # -- proof of origin ---------------------------------------------------------------------------------

    def test_an_unsigned_request_is_refused(self) -> None:
        """Also for adapters without a webhook: nothing may come in at a door they don't have."""
        if self.proof != "path" or not self.manifest.webhook:
            self.refuses(self.first_request(), self.channel(), "an unsigned request")

    def test_a_wrong_signature_is_refused(self) -> None:
        """Cut, reversed, empty, foreign letters: BadSignature every time, never another error."""
        if not self.manifest.webhook or self.proof == "path":
            return
        request = self.first_request()
        good = self.signed(request, self.config)
        self.channel().verify(good)
        for place in ("headers", "query"):
            for name, value in getattr(good, place).items():
                if getattr(request, place).get(name) == value:
                    continue
                for bad in _spoilt(value):
                    forged = msgspec.structs.replace(good, **{place: {**getattr(good, place), name: bad}})
                    self.refuses(forged, self.channel(), f"{name}: {bad[:60]!r}")

    def test_a_flipped_byte_is_refused(self) -> None:
        """The signature covers every byte of the body."""
        if not self.manifest.webhook or self.proof != "signature":
            return
        good = self.signed(self.first_request(), self.config)
        body = good.body
        for at in {0, 1, len(body) // 2, len(body) - 1}:
            forged = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            self.refuses(
                msgspec.structs.replace(good, body=forged), self.channel(), f"bit of byte {at} flipped"
            )
        for forged in (b"", body + b" ", body[:-1]):
            self.refuses(
                msgspec.structs.replace(good, body=forged), self.channel(), f"body of {len(forged)} bytes"
            )

    def test_a_signed_request_is_accepted(self) -> None:
        """Every fixture, as the platform would send it."""
        if not self.manifest.webhook:
            return
        for path in self.fixtures():
            request = self.request(path.read_bytes(), path)
            try:
                self.channel().verify(self.signed(request, self.config))
            except BadSignature as error:
                raise AssertionError(
                    f"{path.name}: signed as the platform does, refused all the same: {error}"
                ) from error

    def test_a_rotated_credential_replaces_the_old_one(self) -> None:
        """What the old secret signed is refused; what the new one signs is accepted."""
        if not self.manifest.webhook or self.proof == "path":
            return
        assert self.rotated, "rotated = {…}: the fields that change when the signing credential is rotated"
        request, channel = self.first_request(), self.channel(**self.rotated)
        self.refuses(self.signed(request, self.config), channel, "signed with the old credential")
        channel.verify(self.signed(request, {**self.config, **self.rotated}))

    # -- fixtures ----------------------------------------------------------------------------------------

    def test_fixtures_become_the_expected_facts(self) -> None:
        """`<name>.expected.json` beside each payload; parsing is pure, so twice is the same and no socket is
        opened.
        """
        written = []
        for path in self.fixtures():
            request = self.request(path.read_bytes(), path)
            with no_sockets():
                facts = self.facts(request, path.name)
                assert self.facts(request, path.name) == facts, (
                    f"{path.name}: parsing it again gave other facts"
                )
            got = msgspec.json.decode(msgspec.json.encode(plain(msgspec.to_builtins(facts))))
            expected = path.with_name(f"{path.stem}.expected.json")
            if REWRITE or not expected.exists():
                written.append(_write(expected, got))
                continue
            assert got == json.loads(expected.read_bytes()), (
                f"{expected.name} differs (SWITCHBOARD_REWRITE=1 writes it anew)"
            )
        assert REWRITE or not written, f"written, now read them with care and run again: {', '.join(written)}"

    def test_the_manifest_claims_what_the_fixtures_show(self) -> None:
        """`receives` and `receipts` equal what is seen, both ways: nothing unproven, nothing unclaimed."""
        seen: set[str] = set()
        statuses: set[str] = set()
        for _, fact in self._all_facts():
            seen.add(str(fact.__struct_config__.tag))
            if isinstance(fact, MessageReceived | EchoReceived | MessageEdited):
                seen.update(kind_of(part) for part in fact.parts)
            if isinstance(fact, ReceiptReceived):
                statuses.add(fact.status)
        claims = set(self.manifest.receives)
        unclaimed, unproven = seen - claims - EVERYBODY, claims - seen - EVERYBODY
        assert not unclaimed, f"manifest.toml: add to receives: {sorted(unclaimed)}"
        assert not unproven, f"fixtures/ shows none of {sorted(unproven)}, which receives claims"
        assert statuses == set(self.manifest.receipts), (
            f"manifest.toml: receipts, but the fixtures show {sorted(statuses)}"
        )

    def test_keys_are_distinct_and_stable(self) -> None:
        """Ingest keeps one fact per key: equal keys lose one, keys that change double one."""
        for path in self.fixtures():
            request = self.request(path.read_bytes(), path)
            keys = self.keys(request, path.name)
            assert len(set(keys)) == len(keys), f"{path.name}: two facts with one key: {sorted(keys)}"
            later = msgspec.structs.replace(request, received_at=request.received_at + timedelta(days=3))
            assert self.keys(later, path.name) == keys, f"{path.name}: keys change with the time of arrival"

    def test_parsing_is_quick(self) -> None:
        """The webhook door waits for it."""
        for path in self.fixtures():
            request, channel = self.request(path.read_bytes(), path), self.channel()
            if len(request.body) > 64_000:
                continue
            best = min(_seconds(channel.parse, request) for _ in range(5))
            assert best < SLOWEST_PARSE, f"{path.name}: parse takes {best * 1000:.1f} ms"

    # -- broken input ------------------------------------------------------------------------------------

    def test_broken_payloads_never_break_the_adapter(self) -> None:
        """Every place of every fixture dropped, emptied, mistyped, blown up: BadPayload, or facts that can be
        stored.
        """
        seen: set[tuple[object, ...]] = set()
        for path in self.fixtures():
            body = path.read_bytes()
            if path.suffix != ".json":
                for name, mutant in text_mutants(body):
                    self._survives(self.request(mutant, path), f"{path.name}, {name}")
                continue
            document = json.loads(body)
            labels = _labels(document)
            for place, name, mutant in json_mutants(document):
                # The envelope looks alike in all fixtures: a place in the same surroundings is broken once.
                label = (*labels[place], name)
                if label not in seen:
                    seen.add(label)
                    self._survives(
                        self.request(mutant, path), f"{path.name}, {'.'.join(map(str, place))}: {name}"
                    )

    def test_hostile_bodies_never_break_the_adapter(self) -> None:
        """Bodies that no platform sends."""
        path = self.fixtures()[0]
        for name, body in hostile_bodies():
            self._survives(self.request(body, path), name)

    def test_a_broken_item_leaves_its_neighbours_alone(self) -> None:
        """In a batch, whatever is wrong with one item, the facts of the others are all there, unchanged."""
        if not self.items:
            return
        batches = [path for path in self.fixtures() if path.name.startswith("batch")]
        assert batches, (
            f"fixtures/batch….json: a webhook with several senders and several items under {list(self.items)}"
        )
        for path in batches:
            document = json.loads(path.read_bytes())
            whole = self._by_key(document, path)
            assert len(_senders(whole)) >= 2, f"{path.name}: the messages of at least two senders"
            for item in self._items(document):
                others = self._by_key(changed(document, item, DROP), path)
                assert others.items() <= whole.items(), (
                    f"{path.name}: the facts change when {item} is left out"
                )
                inner = _at(document, item)
                for place, name, mutant in json_mutants(inner):
                    broken = changed(document, item, json.loads(mutant))
                    what = f"{path.name}, {'.'.join(map(str, item + place))}: {name}"
                    found = self._by_key(broken, path, what)
                    lost = [key for key in others if found.get(key) != others[key]]
                    assert not lost, f"{what}: the neighbours {lost} are lost or changed"

    # -- real samples ------------------------------------------------------------------------------------

    def test_real_samples_are_understood(self) -> None:
        """Every file of the kind's folder: a right fact or an explicit Unsupported, never an exception, the
        same twice.
        """
        if not SAMPLES:
            pytest.skip("SWITCHBOARD_SAMPLES is not set: no real payload of the platform was tried")
        folder = Path(SAMPLES) / self.kind
        files = [path for pattern in self.samples for path in sorted(folder.glob(pattern))]
        assert files or not folder.is_dir(), f"samples = [patterns]: name the inbound files of {folder.name}/"
        for path in files:
            request = self.request(path.read_bytes(), path)
            try:
                facts = self.facts(request, path.name)
                again = self.keys(request, path.name)
            except BadPayload as error:
                raise AssertionError(f"{path.name}: a real payload is not a bad one: {error}") from error
            assert facts or path.name in self.silent_samples, (
                f"{path.name}: not a single fact; say Unsupported at least"
            )
            unread = [fact.reason for fact in facts if isinstance(fact, Unreadable)]
            assert not unread, f"{path.name}: unreadable: {unread}"
            assert again == [fact.dedupe_key for fact in facts], (
                f"{path.name}: posting it again would add to it"
            )

    # -- inside ------------------------------------------------------------------------------------------

    def _all_facts(self) -> Iterator[tuple[Path, Inbound]]:
        for path in self.fixtures():
            for fact in self.facts(self.request(path.read_bytes(), path), path.name):
                yield path, fact

    def _survives(self, request: RawRequest, what: str) -> None:
        try:
            self.facts(request, what)
        except BadPayload as bad:
            words = str(bad)
        else:
            return
        assert not any(secret in words for secret in self.secrets()), f"{what}: the error shows a secret"

    def _items(self, document: Any) -> list[tuple[str | int, ...]]:
        return [
            path
            for path, _ in nodes(document)
            if path and any(_matches(path, pattern) for pattern in self.items)
        ]

    def _by_key(self, document: Any, path: Path, what: str = "") -> dict[str, bytes]:
        request = self.request(json.dumps(document).encode(), path)
        try:
            facts = self.facts(request, what or path.name)
        except BadPayload as error:
            raise AssertionError(
                f"{what or path.name}: BadPayload is for the envelope only ({error})"
            ) from error
        return {fact.dedupe_key: msgspec.json.encode(plain(msgspec.to_builtins(fact))) for fact in facts}


@contextmanager
def no_sockets() -> Iterator[None]:
    """Let nothing open a socket meanwhile: parsing is pure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", _no_socket)
        yield


def _no_socket(*_args: object, **_kwargs: object) -> None:
    raise AssertionError("parse opened a socket; it must be pure")


def _spoilt(value: str) -> Iterator[str]:
    yield from (
        "",
        " ",
        value[:-1],
        value[1:],
        value[::-1],
        value + "0",
        "é" * len(value),
        "sha256=",
        "=",
        "x" * 5000,
    )
    yield value[:-1] + ("0" if value[-1:] != "0" else "1")


def _write(path: Path, value: Any) -> str:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    return path.name


def _seconds(parse: Any, request: RawRequest) -> float:
    begin = time.perf_counter()
    parse(request)
    return time.perf_counter() - begin


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _matches(path: tuple[str | int, ...], pattern: str) -> bool:
    steps = pattern.split(".")
    return len(steps) == len(path) and all(
        fnmatchcase(str(step), want) for step, want in zip(path, steps, strict=True)
    )


def _labels(document: Any) -> dict[tuple[str | int, ...], tuple[object, ...]]:
    """Tell places apart: path without indexes, type of what stands there, names beside it."""
    labels: dict[tuple[str | int, ...], tuple[object, ...]] = {}
    for path, value in nodes(document):
        parent = _at(document, path[:-1]) if path else None
        beside = tuple(sorted(map(str, parent))) if isinstance(parent, dict) else ()
        names = tuple("*" if isinstance(step, int) else step for step in path)
        within = tuple(sorted(map(str, value))) if isinstance(value, dict) else ()
        labels[path] = (names, type(value), beside, within)
    return labels


def _senders(facts: dict[str, bytes]) -> set[str]:
    found = [msgspec.json.decode(fact, type=Inbound) for fact in facts.values()]
    return {fact.sender.claims[0].value for fact in found if isinstance(fact, MessageReceived)}
