"""Contract tests of what an adapter's folder says: manifest, form, guides, size, imports."""

import ast
import re
import sys
from pathlib import Path

from switchboard.channels.api import (
    Acks,
    Challenges,
    Checks,
    Converses,
    ExtractsMedia,
    FetchesMedia,
    FetchesPost,
    FetchesProfile,
    ListsTemplates,
    MarksRead,
    Polls,
    Prepares,
    Registers,
    Sessions,
)
from switchboard.channels.contract_case import Case

OPTIONAL = {
    "challenge": Challenges,
    "ack": Acks,
    "register": Registers,
    "poll": Polls,
    "session": Sessions,
    "fetch_media": FetchesMedia,
    "extract_media": ExtractsMedia,
    "fetch_profile": FetchesProfile,
    "mark_read": MarksRead,
    "fetch_post": FetchesPost,
    "list_templates": ListsTemplates,
    "check": Checks,
    "converse": Converses,
    "prepare": Prepares,
}
STATUSES = {"sent", "delivered", "read", "failed"}
LOOKS_SECRET = re.compile(r"secret|token|password|private_key")
HAN = re.compile(r"[\u4e00-\u9fff]")
LINES = 600


class FolderTests(Case):
    """The folder is complete and tells the truth."""

    def test_the_folder_is_named_after_the_kind(self) -> None:
        """Discovery goes by the folder."""
        assert self.manifest.kind == self.kind, "manifest.toml: kind must be the test's kind"
        assert self.package or self.adapter.folder.name == self.kind

    def test_the_manifest_is_complete(self) -> None:
        """Everything a person reads is there in both languages; every word comes from the known lists."""
        manifest = self.manifest
        for name in ("names", "description"):
            texts = getattr(manifest, name)
            assert texts.en.strip(), f"manifest.toml: {name}.en is empty"
            assert texts.zh.strip(), f"manifest.toml: {name}.zh is empty"
        assert HAN.search(manifest.description.zh), "manifest.toml: description.zh must be Chinese"
        assert re.fullmatch(r"#[0-9a-fA-F]{6}", manifest.colour), "manifest.toml: colour is #rrggbb"
        assert manifest.tier in {"bronze", "silver", "gold"}, "manifest.toml: tier is bronze, silver or gold"
        assert manifest.docs.startswith("https://") or not manifest.docs, (
            "manifest.toml: docs is an https address or empty"
        )
        assert set(manifest.receipts) <= STATUSES, f"manifest.toml: receipts are among {sorted(STATUSES)}"
        assert set(manifest.does) <= set(OPTIONAL), f"manifest.toml: does knows {sorted(OPTIONAL)}"
        assert manifest.sends.text.unit in {"characters", "utf16", "bytes"}, "manifest.toml: sends.text.unit"
        assert manifest.rate.per_second > 0, "manifest.toml: rate.per_second"
        assert manifest.rate.in_flight > 0, "manifest.toml: rate.in_flight"

    def test_does_names_exactly_what_the_class_has(self) -> None:
        """The rest of the product asks the manifest, not the class."""
        has = {name for name in OPTIONAL if hasattr(self.adapter.factory, name)}
        claims = set(self.manifest.does)
        assert not has - claims, f"manifest.toml: add to does: {sorted(has - claims)}"
        assert not claims - has, f"the class lacks what does claims: {sorted(claims - has)}"

    def test_the_configuration_makes_a_form_in_both_languages(self) -> None:
        """The administrator's form is drawn from the schema; whatever sounds secret must be marked so."""
        for name, field in self.adapter.schema()["properties"].items():
            where = f"config field {name}: annotate it with field(…) or secret(…)"
            assert field.get("title"), f"{where}: no English title"
            assert HAN.search(field.get("x-title-zh", "")) or field["title"] == field.get("x-title-zh"), (
                f"{where}: no Chinese title"
            )
            assert bool(field.get("description")) == bool(field.get("x-description-zh")), (
                f"{where}: description in one language only"
            )
            if LOOKS_SECRET.search(name):
                assert field.get("x-secret"), f"{where}: it sounds secret, mark it with secret(…)"
        self.settings()
        self.secrets()

    def test_there_is_a_guide_in_both_languages(self) -> None:
        """A person who never saw the platform's console must be able to follow it."""
        counts = []
        for language in ("en", "zh"):
            guide = self.adapter.guide(language)
            name = f"setup.{language}.md"
            assert re.match(r"# \S", guide), f"{name}: begin with a heading"
            sections = re.findall(r"^## \S.*$", guide, re.MULTILINE)
            assert len(sections) >= 2, f"{name}: at least two sections (## …): what you need, the steps"
            assert len(guide) >= (600 if language == "en" else 250), f"{name}: too short to be a guide"
            counts.append(len(sections))
        assert HAN.search(self.adapter.guide("zh")), "setup.zh.md is not Chinese"
        assert counts[0] == counts[1], "setup.en.md and setup.zh.md have different sections"

    def test_files_are_small_and_import_only_what_an_adapter_may(self) -> None:
        """An adapter sees `channels.api`, `reading`, its maker's family, the core, its own folder and named packages."""
        own = self.package or f"switchboard.channels.{self.kind}"
        for path in sorted(self.adapter.folder.glob("**/*.py")):
            text = path.read_text("utf-8")
            assert text.count("\n") <= LINES, f"{path.name}: more than {LINES} lines; split it"
            if path.name.startswith("test_"):
                continue
            for name in _imports(path, text):
                if name.split(".")[0] in sys.stdlib_module_names or not name.startswith("switchboard"):
                    continue
                allowed = (
                    "switchboard.channels.api",
                    "switchboard.channels.families",
                    "switchboard.channels.reading",
                    "switchboard.core",
                    own,
                )
                assert name.startswith(allowed), (
                    f"{path.name} imports {name}; an adapter may import {', '.join(allowed)}"
                )


def _imports(path: Path, text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
