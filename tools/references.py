"""Write docs/reference from the code: python -m tools.references [--check]

Every page is made from what the product itself reads or speaks, so that none can be wrong for long. `--check`
writes nothing and fails, naming the pages, when one is out of date.
"""

import ast
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from switchboard import flow
from switchboard.app import config
from switchboard.channels import registry
from switchboard.core import commands, events, facts, parts
from tools import reference_api, reference_channels, reference_conformance, reference_database
from tools.reference_text import cell, page, rows, sentence, spell

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
HOUSE = ROOT / "docs" / "explanation" / "house.svg"
REWRITE = "python -m tools.references"


def members(union: Any) -> list[type[msgspec.Struct]]:
    """Return the classes of a union, in the order they are written."""
    return list(union.__args__)


def tag_of(kind: type[msgspec.Struct]) -> str:
    """Return the name by which JSON knows a Struct."""
    return str(kind.__struct_config__.tag)


def room_of(kind: type[msgspec.Struct]) -> str:
    """Return the room that may emit an event."""
    return str(getattr(kind, "room", ""))


def fields_of(kind: type[msgspec.Struct], leave_out: Sequence[str] = ()) -> str:
    """Return a table of a Struct's fields."""
    hints = get_type_hints(kind)
    found = [
        (f"`{field.encode_name}`", cell(spell(hints[field.name])), cell(default_of(field)))
        for field in msgspec.structs.fields(kind)
        if field.name not in leave_out
    ]
    return rows(("field", "type", "default"), found) if found else "No fields of its own.\n"


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """Return a field's default as it would be written; `required` when there is none."""
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        factory = field.default_factory
        value = factory() if callable(factory) else None
    if value is None or value in ("", (), [], {}):
        return "nothing" if value is None else "empty"
    return f"`{type(value).__name__}(…)`" if isinstance(value, msgspec.Struct) else f"`{value}`"


def effect(kind: type) -> str:
    """Say which verbs carry a thing out, in order."""
    verbs = [
        f"`{verb.__module__.removeprefix('switchboard.')}.{verb.__name__}`"
        for verb in flow.REACTIONS.get(kind, ())
    ]
    return f"Leads to: {', then '.join(verbs)}.\n" if verbs else ""


def entries(kinds: Sequence[type[msgspec.Struct]], leave_out: Sequence[str] = ()) -> str:
    """Describe tagged Structs one after the other."""
    described = []
    for kind in kinds:
        lines = [f"### `{tag_of(kind)}`", "", sentence(kind), ""]
        if said := effect(kind):
            lines += [said]
        described.append("\n".join([*lines, fields_of(kind, leave_out)]))
    return "\n".join(described)


def events_page() -> str:
    """The catalogue of the log, by the room that emits."""
    kinds = members(events.AnyEvent)
    rooms = list(dict.fromkeys(room_of(kind) for kind in kinds))
    summary = rows(
        ("type", "room", "what happened"),
        [(f"[`{tag_of(kind)}`](#{tag_of(kind)})", room_of(kind), cell(sentence(kind))) for kind in kinds],
    )
    body = [
        "Every event also has `type` (its name here), `workspace_id`, and `subject`: the id of the thing",
        "whose order matters. Events hold ids and small facts, never message content or personal data.",
        "",
        summary,
    ]
    for room in rooms:
        body += [
            f"## {room}",
            "",
            entries([kind for kind in kinds if room_of(kind) == room], ("workspace_id", "subject")),
        ]
    followers = ", ".join(f"`{name}`" for name in flow.FOLLOWERS)
    body += [
        "## Who follows the log",
        "",
        f"Followers kept by `flow.py`: {followers}. Live sockets follow it as well.",
        "",
    ]
    return page("Events", "src/switchboard/core/events.py", body)


def facts_page() -> str:
    """What adapters tell, and what messages are made of."""
    common = ("account", "dedupe_key", "occurred_at")
    others = [one.name for one in msgspec.structs.fields(facts.MessageReceived) if one.name not in common]
    shared = fields_of(facts.MessageReceived, others)
    body = [
        "A fact is something that arrived from outside. The field `fact` names the kind. All have:",
        "",
        shared,
        "`account` is the platform's id of the number, page or mailbox. `dedupe_key` is unique per",
        "connection; what was seen before is left out. `occurred_at` is the platform's own time.",
        "",
        "## Facts",
        "",
        entries(members(facts.Inbound), common),
        "## People in facts",
        "",
        *(
            f"### {kind.__name__}\n\n{sentence(kind)}\n\n{fields_of(kind)}"
            for kind in (facts.Sender, facts.Claim)
        ),
        "## Parts of a message",
        "",
        "The field `type` names the kind.",
        "",
        entries(members(parts.Part)),
        "## Inside parts",
        "",
        *(
            f"### {kind.__name__}\n\n{sentence(kind)}\n\n{fields_of(kind)}"
            for kind in (parts.Source, parts.Button, parts.OrderItem)
        ),
    ]
    return page("Facts and message parts", "src/switchboard/core/facts.py and parts.py", body)


def commands_page() -> str:
    """Everything a person, a rule or a clock can want."""
    kinds = [
        kind
        for kind in vars(commands).values()
        if isinstance(kind, type) and issubclass(kind, commands.Command)
    ]
    body = [
        "A command is something a person, a rule or a clock wants. `flow.run` carries it out, whichever",
        "door it came through. Every command has `workspace_id` and `by`: who wants it.",
        "",
        entries([kind for kind in kinds if kind is not commands.Command], ("workspace_id", "by")),
    ]
    return page("Commands", "src/switchboard/core/commands.py", body)


def settings_page() -> str:
    """The settings, from the docstring below each field."""
    tree = ast.parse(Path(config.__file__).read_text("utf-8"))
    (described,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    said: dict[str, str] = {}
    for field, after in zip(described.body, described.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            said[ast.unparse(field.target)] = ast.literal_eval(after.value)
    found = []
    for one in msgspec.structs.fields(config.Settings):
        text = " ".join(said.get(one.name, "").split())
        variable = f"SWITCHBOARD_{one.name.upper()}"
        text, _, _ = text.partition(f" (`{variable}`") if f"(`{variable}`" in text else (text, "", "")
        named = f"`{variable}`" if f"`{variable}`" in said.get(one.name, "") else f"— (`{one.name}`)"
        default = "`./var`" if one.name == "data" else default_of(one)
        found.append((named, cell(text.rstrip(".") + "."), cell(default)))
    body = [
        "Settings come from the environment and are read in one place. A wrong value is answered with one",
        "sentence at start.",
        "",
        rows(("variable", "meaning", "default"), found),
        "A line without a variable follows from the others.",
        "",
    ]
    return page("Settings", "src/switchboard/app/config.py", body)


def house_picture() -> str:
    """The picture of the house with today's channels in their box; the rest of it is drawn by hand."""
    text = HOUSE.read_text("utf-8")
    before, after = text.partition("<!-- channels -->")[0], text.partition("<!-- /channels -->")[2]
    names = textwrap.wrap(" · ".join(registry.adapters()), 104)
    lines = [f'<text x="412.4" y="{468 + 11 * i}" class="n">{line}</text>' for i, line in enumerate(names)]
    return f"{before}<!-- channels -->{''.join(lines)}<!-- /channels -->{after}"


PAGES: dict[str, Callable[[], str]] = {
    "../explanation/house.svg": house_picture,
    "api.md": reference_api.api_page,
    "channels.md": reference_channels.channels_page,
    "commands.md": commands_page,
    "conformance.md": reference_conformance.conformance_page,
    "database.md": reference_database.database_page,
    "events.md": events_page,
    "facts.md": facts_page,
    "openapi.json": reference_api.openapi_json,
    "settings.md": settings_page,
}


def outdated() -> Iterator[tuple[Path, str]]:
    """Yield the pages that don't stand as they should, with what they should say."""
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if not path.exists() or path.read_text("utf-8") != text:
            yield path, text


def main(words: Sequence[str]) -> int:
    changed = list(outdated())
    names = ", ".join(path.name for path, _ in changed)
    if "--check" in words:
        if changed:
            sys.stdout.write(f"references: {names} out of date; run {REWRITE} and commit what it writes\n")
        return 1 if changed else 0
    for path, text in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    sys.stdout.write(f"references: wrote {names}\n" if changed else "references: all up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
