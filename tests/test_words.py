"""What a channel tells by code is said in both languages of the desk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FIXTURES = sorted(ROOT.glob("src/switchboard/channels/*/fixtures/*.expected.json"))
LOCALES = ROOT / "frontend/apps/workspace/src/locales"


def codes(value: Any) -> Iterator[str]:
    """Every notice's code in a tree of facts."""
    if isinstance(value, dict):
        if value.get("type") == "notice":
            yield value["code"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from codes(one)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_notice_of_the_fixtures_has_words(language: str) -> None:
    words = json.loads((LOCALES / f"{language}.json").read_text())["notices"]
    told = {code for path in FIXTURES for code in codes(json.loads(path.read_text()))}
    assert len(told) > 30
    assert {code for code in told if code.replace(".", "_") not in words} == set()
