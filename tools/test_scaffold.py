"""A new channel's folder: whole, importable, honest about what is missing."""

import ast
import tomllib
from pathlib import Path

import msgspec
import pytest

from switchboard.channels.contract import Golden
from switchboard.channels.manifest import load
from tools.scaffold import CannotStart, scaffold


def test_the_folder_has_all_that_the_contract_asks_for(tmp_path: Path) -> None:
    folder = scaffold("two_words", tmp_path)
    assert folder == tmp_path / "two_words"
    assert load(folder / "manifest.toml").kind == "two_words"
    assert tomllib.loads((folder / "manifest.toml").read_text())["names"]["en"] == "TwoWords"
    for path in folder.glob("*.py"):
        ast.parse(path.read_text())
    msgspec.json.decode((folder / "sends" / "text.json").read_bytes(), type=Golden)
    assert {path.name for path in folder.iterdir()} == {
        "__init__.py", "channel.py", "fixtures", "manifest.toml", "sends", "setup.en.md", "setup.zh.md", "test_two_words.py",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "Line", "../x", "a-b", "1st", "line "])
def test_a_name_must_be_small_letters(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="name=line"):
        scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    scaffold("line", tmp_path)
    (tmp_path / "line" / "channel.py").write_text("mine")
    with pytest.raises(CannotStart, match="exists already"):
        scaffold("line", tmp_path)
    assert (tmp_path / "line" / "channel.py").read_text() == "mine"
