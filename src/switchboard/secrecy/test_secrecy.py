"""Sealing, binding, rotation and the key file."""

import base64
import os
import threading
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.secrecy import BadKey, CannotOpen, Sealer, keys_from_file, keys_from_text

A, B = UUID(int=1), UUID(int=2)
OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=300), st.uuids(), st.text(max_size=20))
def test_opens_what_it_sealed(plain: bytes, workspace: UUID, purpose: str) -> None:
    purpose = purpose.encode(errors="replace").decode()
    sealer = Sealer([NEW])
    sealed = sealer.seal(plain, workspace=workspace, purpose=purpose)
    assert sealer.open(sealed, workspace=workspace, purpose=purpose) == plain
    assert len(sealed) == len(plain) + 33


def test_one_value_never_seals_twice_alike() -> None:
    sealer = Sealer([NEW])
    assert len({sealer.seal(b"token", workspace=A, purpose="p") for _ in range(50)}) == 50


def test_is_bound_to_workspace_and_purpose() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"token", workspace=A, purpose="connection")
    for workspace, purpose in ((B, "connection"), (A, "webhook")):
        with pytest.raises(CannotOpen):
            sealer.open(sealed, workspace=workspace, purpose=purpose)


def test_every_changed_byte_is_noticed() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"token", workspace=A, purpose="p")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            sealer.open(changed, workspace=A, purpose="p")
    for cut in (b"", sealed[:5], sealed[:-1], b"plain text of an earlier time"):
        with pytest.raises(CannotOpen):
            sealer.open(cut, workspace=A, purpose="p")


def test_rotation() -> None:
    sealed = Sealer([OLD]).seal(b"token", workspace=A, purpose="p")
    both = Sealer([NEW, OLD])
    assert both.open(sealed, workspace=A, purpose="p") == b"token"
    assert not both.is_current(sealed)
    again = both.seal(both.open(sealed, workspace=A, purpose="p"), workspace=A, purpose="p")
    assert both.is_current(again)
    assert Sealer([NEW]).open(again, workspace=A, purpose="p") == b"token"
    with pytest.raises(CannotOpen, match="not among the keys"):
        Sealer([NEW]).open(sealed, workspace=A, purpose="p")


def test_keys_from_the_settings() -> None:
    key = bytes(range(224, 256))
    assert keys_from_text(base64.b64encode(key).decode()) == [key]
    assert keys_from_text(base64.urlsafe_b64encode(key).decode().rstrip("=")) == [key]
    assert keys_from_text(f"{base64.b64encode(NEW).decode()}, {base64.b64encode(OLD).decode()}") == [NEW, OLD]


@pytest.mark.parametrize("text", ["", "  ", "short", "c2hvcnQ=", "ключ", "!" * 43])
def test_bad_keys_are_told_and_not_quoted(text: str) -> None:
    with pytest.raises(BadKey) as error:
        keys_from_text(text)
    assert not text.strip() or text not in str(error.value)


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b""]])
def test_bad_key_bytes(keys: list[bytes]) -> None:
    with pytest.raises(BadKey):
        Sealer(keys)


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    before = os.umask(0)
    try:
        first = keys_from_file(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys_from_file(path) == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    path, found = tmp_path / "secret.key", []
    threads = [threading.Thread(target=lambda: found.append(keys_from_file(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(keys == found[0] for keys in found)


def test_an_old_key_may_follow_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    lines = ["# current", base64.b64encode(NEW).decode(), "", base64.b64encode(OLD).decode(), ""]
    path.write_text("\n".join(lines))
    assert keys_from_file(path) == [NEW, OLD]
