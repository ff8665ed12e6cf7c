"""The documentation keeps its promises: links lead somewhere, commands exist, references name everything."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from switchboard import flow
from switchboard.app.config import Settings
from switchboard.channels.registry import adapters
from switchboard.core.events import AnyEvent

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
ROOMS = sorted({*flow.ROOMS, "staff", "tenancy"})
# Made by hand from the running product, after everything else.
PICTURES_TO_COME = {"docs/images/desk.png"}

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Only what is made for examples, and what a mail or shell command is written with.
ADDRESS = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
MACHINE = re.compile(r"/(?:home|Users|root|work)/\w+|127\.0\.0\.1:\d{5}")
REGISTRY = re.compile(r"pypi\.org|pythonhosted|npmjs\.(org|com)|registry\.", re.IGNORECASE)
HAN = re.compile(r"[\u4e00-\u9fff]")


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def anchors(page: Path) -> set[str]:
    """The headings of a page as they are linked to; the second of a name gets `-1`."""
    found: set[str] = set()
    for heading in HEADING.findall(
        re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    ):
        words = re.sub(r"[`*]", "", heading).lower().replace(" ", "-")
        anchor = "".join(letter for letter in words if letter.isalnum() or letter in "-_")
        while anchor in found:
            anchor += "-1"
        found.add(anchor)
    return found


def links(page: Path) -> Iterator[str]:
    """The links of a page that lead to a file of ours; code is no link."""
    for target in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("document", named(PAGES))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in links(document):
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if file.is_relative_to(ROOT) and str(file.relative_to(ROOT)) in PICTURES_TO_COME:
            continue
        assert file.exists(), f"{document.name} links to {target}, which is not there"
        if fragment and file.suffix == ".md":
            assert fragment in anchors(file), (
                f"{document.name} links to {target}; {file.name} has no such heading"
            )


@pytest.mark.parametrize("document", named(PAGES))
def test_no_page_names_a_machine_a_registry_or_a_person(document: Path) -> None:
    text = document.read_text("utf-8")
    assert not MACHINE.search(text)
    assert not REGISTRY.search(text)
    # Domains for examples end in .example, or are example.com (RFC 2606).
    hosts = [host for host in ADDRESS.findall(text) if not re.search(r"(\.|^)example(\.com|\.org)?$", host)]
    assert not hosts


@pytest.mark.parametrize("document", named(DECISIONS))
def test_every_decision_has_its_four_headings(document: Path) -> None:
    text = document.read_text("utf-8")
    assert HEADING.findall(text)[0].startswith(f"{document.name[:4]} ")
    assert HEADING.findall(text)[1:] == ["Context", "Decision", "Consequences", "Alternatives"]
    assert re.search(r"^Status: \w+", text, re.MULTILINE)
    assert all(section.strip() for section in re.split(r"^## .+$", text, flags=re.MULTILINE))


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    assert [page.name for page in DECISIONS if f"({page.name})" not in index] == []


def test_decisions_that_the_code_cites_exist() -> None:
    numbers = {page.name[:4] for page in DECISIONS}
    cited = re.findall(r"decision (\d{4})", (ROOT / "tools" / "house-exceptions.txt").read_text("utf-8"))
    assert cited
    assert set(cited) <= numbers


def test_commands_of_the_pages_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        said = re.findall(r"(?:^|`|&& )make ([a-z0-9]+)", page.read_text("utf-8"), re.MULTILINE)
        assert set(said) <= targets, f"{page.name} says make {set(said) - targets}"
    assert {"demo", "test"} <= set(
        re.findall(r"^make (\w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    )


def test_both_readmes_and_quickstarts_lead_to_the_same_pages() -> None:
    def targets(page: Path) -> list[str]:
        return sorted({link.replace(".zh-CN", "") for link in links(page) if page.name not in link})

    for english in (ROOT / "README.md", DOCS / "quickstart.md"):
        chinese = english.with_name(english.name.replace(".md", ".zh-CN.md"))
        mine, theirs = ({Path(link).name for link in targets(page)} - {"README.md", "quickstart.md"}
                        for page in (english, chinese))  # fmt: skip
        assert mine == theirs


def test_every_setting_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "settings.md").read_text("utf-8")
    for field in msgspec.structs.fields(Settings):
        assert f"`SWITCHBOARD_{field.name.upper()}`" in text or f"`{field.name}`" in text


def test_every_setting_that_a_page_names_is_read() -> None:
    known = {f"SWITCHBOARD_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    # Of the tests and the command line.
    known |= {"SWITCHBOARD_SAMPLES", "SWITCHBOARD_REWRITE", "SWITCHBOARD_FAULT_KILLS", "SWITCHBOARD_PASSWORD"}
    for page in PAGES:
        said = set(re.findall(r"SWITCHBOARD_[A-Z_]+", page.read_text("utf-8")))
        assert said <= known, f"{page.name} names {said - known}"


def test_every_event_and_every_channel_is_in_the_reference() -> None:
    events = (DOCS / "reference" / "events.md").read_text("utf-8")
    for kind in AnyEvent.__args__:
        assert f"### `{kind.__struct_config__.tag}`" in events
    channels = (DOCS / "reference" / "channels.md").read_text("utf-8")
    for kind, adapter in adapters().items():
        assert f"`{kind}`" in channels
        assert f"### {adapter.manifest.names.en}" in channels


def test_every_room_and_channel_is_in_the_architecture() -> None:
    text = (DOCS / "explanation" / "architecture.md").read_text("utf-8")
    picture = (DOCS / "explanation" / "house.svg").read_text("utf-8")
    for room in ROOMS:
        assert f"| `{room}` |" in text
        assert f">{room}<" in picture
    assert [kind for kind in adapters() if kind not in picture] == []


def test_the_importlinter_knows_the_same_rooms() -> None:
    layers = (ROOT / ".importlinter").read_text("utf-8")
    (line,) = [line for line in layers.splitlines() if line.strip().startswith("ingest |")]
    assert sorted(name.strip() for name in line.split("|")) == ROOMS


def test_glossary_terms_come_in_both_languages_once() -> None:
    lines = re.findall(
        r"^\| (.+?) \| (.+?) \| (.+?) \|$", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
    terms = [line for line in lines if line[0] not in ("term", "---")]
    assert len(terms) > 50
    for english, chinese, meaning in terms:
        assert re.search(r"[a-zA-Z]", english)
        assert not HAN.search(english)
        assert HAN.search(chinese)
        assert meaning
    names = [english for english, _, _ in terms]
    assert [name for name in names if names.count(name) > 1] == []
    for word in ("fact", "command", "event", "step", "verb", "lane", "slot", "lease", "piece"):
        assert any(word in re.split(r", ", name) for name in names)


def test_pages_are_reachable_from_the_index() -> None:
    index = DOCS / "README.md"
    seen, waiting = {index}, [index]
    while waiting:
        page = waiting.pop()
        for target in links(page):
            path = target.partition("#")[0]
            file = (page.parent / path).resolve()
            if (
                path
                and file.suffix == ".md"
                and file.is_relative_to(DOCS)
                and file.exists()
                and file not in seen
            ):
                seen.add(file)
                waiting.append(file)
    assert sorted(page.name for page in set(DOCS.rglob("*.md")) - seen) == []
