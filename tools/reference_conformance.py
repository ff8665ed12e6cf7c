"""The conformance page: every channel and capability with its state, each claim beside the test data that proves it.

A row is written `receives.image`, `sends.choices`, `receipts.read`, `does.check` or `proof.wire`; a manifest's `not_offered`
and `partly` use the same words.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from switchboard.channels.registry import Adapter, adapters
from tools.reference_text import page, rows

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "switchboard"
RECEIVES = {
    "text": "text",
    "image": "picture",
    "audio": "voice, sound",
    "video": "video",
    "file": "file",
    "sticker": "sticker",
    "location": "place",
    "contact": "contact card",
    "choice": "pressed button",
    "form": "filled form",
    "order": "order",
    "product": "product",
    "cards": "cards",
    "link": "shared page",
    "edited": "edit",
    "recalled": "recall",
    "reacted": "reaction",
    "typed": "typing",
    "reach_changed": "leaves, comes back",
    "echo": "sent elsewhere",
}
SENDS = {
    "text": "text",
    "image": "picture",
    "audio": "voice, sound",
    "video": "video",
    "file": "file",
    "sticker": "sticker",
    "location": "place",
    "contact": "contact card",
    "choices": "buttons",
    "cards": "cards",
    "link": "page as card",
    "product": "product",
    "template": "approved template",
}
LIFE = {
    "receipts.sent": "receipt: sent",
    "receipts.delivered": "receipt: delivered",
    "receipts.read": "receipt: read",
    "receipts.failed": "receipt: failed",
    "does.fetch_profile": "profile look-up",
    "does.fetch_post": "comments with their post",
    "does.private_reply": "comment answered in private",
    "does.mark_read": "read mark or typing shown",
    "does.register": "address set by itself",
    "does.list_templates": "templates to choose from",
    "does.check": "quality and quota asked for",
    "proof.wire": "tried over the wire",
    "proof.library": "stand-in proven by a client library of others",
}
DECLARED = re.compile(r"^(LIBRARIES|WIRE) = (\{.*?\})$", re.MULTILINE | re.DOTALL)
MARKS = {"works": "●", "partly": "◐", "not offered": "–", "missing": "○"}


def found_in(value: Any, name: str) -> Iterator[str]:
    """Yield every value of a field, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get(name), str):
            yield value[name]
        for item in value.values():
            yield from found_in(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from found_in(item, name)


def proofs(adapter: Adapter) -> dict[str, str]:
    """Return rows that test data shows working, with a file that shows it."""
    shown: dict[str, str] = {}
    for path in sorted((adapter.folder / "fixtures").glob("**/*.expected.json")):
        facts = json.loads(path.read_text("utf-8"))
        for name in (*found_in(facts, "fact"), *found_in(facts, "type")):
            shown.setdefault(f"receives.{name}", path.name.removesuffix(".expected.json"))
        for fact in facts if isinstance(facts, list) else []:
            if fact.get("fact") == "receipt":
                shown.setdefault(f"receipts.{fact['status']}", path.name.removesuffix(".expected.json"))
    for path in sorted((adapter.folder / "sends").glob("**/*.json")):
        message = json.loads(path.read_text("utf-8"))["message"]
        for part in message["parts"]:
            shown.setdefault(f"sends.{part['type']}", path.stem)
    return shown


@cache
def declared(name: str) -> dict[str, str]:
    """Return what tests say of themselves by kind: `LIBRARIES`, client libraries of others that prove the stand-in; `WIRE`, what
    the adapter is tried against over real sockets.
    """
    found: dict[str, str] = {}
    for folder in (SOURCE, ROOT / "tests"):
        for path in sorted(folder.glob("**/test_*.py")):
            for said in DECLARED.finditer(path.read_text("utf-8")):
                if said[1] == name:
                    found.update(ast.literal_eval(said[2]))
    return found


def state_of(adapter: Adapter, row: str, shown: dict[str, str]) -> str:
    """Return works, partly, not offered or missing; a claim without test data is an AssertionError."""
    manifest = adapter.manifest
    area, _, name = row.partition(".")
    match area:
        case "receives":
            claimed = name in manifest.receives or (name == "text" and row in shown)
        case "sends":
            claimed = bool(getattr(manifest.sends, name))
        case "receipts":
            claimed = name in manifest.receipts
        case "proof":
            claimed = manifest.kind in declared("WIRE" if name == "wire" else "LIBRARIES")
        case _:
            claimed = manifest.private_reply_days > 0 if name == "private_reply" else name in manifest.does
    if claimed and area in {"receives", "sends"} and row not in shown:
        raise AssertionError(f"{manifest.kind}: claims {row}, but no fixture or golden send shows it")
    if row in manifest.partly:
        assert claimed, f"{manifest.kind}: partly.{row}, but the manifest doesn't claim it"
        return "partly"
    if row == "does.list_templates" and "sends.template" in manifest.not_offered:
        return "not offered"
    if row in manifest.not_offered:
        assert not claimed, f"{manifest.kind}: not_offered names {row}, which the manifest claims"
        return "not offered"
    return "works" if claimed else "missing"


def table(names: dict[str, str], states: dict[str, dict[str, str]]) -> str:
    """Return a table with the channels as columns."""
    kinds = list(states)
    lines = [(said, *(MARKS[states[kind][row]] for kind in kinds)) for row, said in names.items()]
    return rows(("", *(f"`{kind}`" for kind in kinds)), lines)


def evidence(adapter: Adapter, states: dict[str, str], shown: dict[str, str]) -> str:
    """Return a channel's list of files that show its claims, and its limits in words."""
    manifest = adapter.manifest
    by_file: dict[str, list[str]] = {}
    for row, file in shown.items():
        if states.get(row) in {"works", "partly"}:
            by_file.setdefault(f"{'sends' if row.startswith('sends.') else 'fixtures'}/{file}", []).append(
                row
            )
    lines = [
        f"- `{file}` shows {', '.join(f'`{row}`' for row in seen)}" for file, seen in sorted(by_file.items())
    ]
    limits = [f"- ◐ `{row}`: {said.en} {said.zh}" for row, said in manifest.partly.items()]
    wire, library = declared("WIRE").get(manifest.kind), declared("LIBRARIES").get(manifest.kind)
    proven = [f"- tried against {wire}"] if wire else []
    proven += [f"- stand-in proven by {library}"] if library else []
    return "\n".join([f"### {manifest.names.en}", "", *limits, *proven, *lines, ""])


def conformance_page() -> str:
    """Every channel × capability with its state."""
    found = adapters()
    shown = {kind: proofs(one) for kind, one in found.items()}
    groups = {
        "What customers can send": {f"receives.{name}": said for name, said in RECEIVES.items()},
        "What agents can send": {f"sends.{name}": said for name, said in SENDS.items()},
        "Receipts, people, care": LIFE,
    }
    known = {row for group in groups.values() for row in group}
    states: dict[str, dict[str, str]] = {}
    for kind, one in found.items():
        for row in (*one.manifest.not_offered, *one.manifest.partly):
            assert row in known, f"{kind}: {row} isn't a row of the conformance page"
        states[kind] = {row: state_of(one, row, shown[kind]) for row in sorted(known)}
    counts = {
        mark: sum(list(s.values()).count(name) for s in states.values()) for name, mark in MARKS.items()
    }
    body = [
        "What each channel really does, from its manifest and its test data. A claim without a file that shows it stops the",
        "build, so nobody has to believe us.",
        "",
        f"● works ({counts['●']}) · ◐ works with a limit that is named below ({counts['◐']}) · – the platform has no interface",
        f"for it ({counts['–']}) · ○ not built ({counts['○']}). What a channel can't send natively is said in words or by a link.",
        "",
    ]
    for title, names in groups.items():
        body += [f"## {title}", "", table(names, states)]
    body += ["## Shown by", "", *(evidence(one, states[kind], shown[kind]) for kind, one in found.items())]
    return page("Conformance", "manifests, fixtures and golden sends in src/switchboard/channels", body)
