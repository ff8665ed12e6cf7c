"""Finds the adapters: every folder here with a manifest, and every installed package's `switchboard.channels` entry."""

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from switchboard.channels.api import Channel
from switchboard.channels.manifest import Manifest, load


class Adapter(msgspec.Struct, frozen=True):
    """One kind of channel: its facts, its class, its folder."""

    manifest: Manifest
    factory: type[Channel]
    folder: Path

    def guide(self, language: str) -> str:
        """Return the set-up guide (Markdown) in `en` or `zh`."""
        return (self.folder / f"setup.{language}.md").read_text("utf-8")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the adapter's configuration, references resolved to one flat object."""
        schema, components = msgspec.json.schema_components(
            [self.factory.config_type], ref_template="#/$defs/{name}"
        )
        (reference,) = schema
        return {**components[reference["$ref"].rsplit("/", 1)[1]], "$defs": components}


@cache
def adapters() -> dict[str, Adapter]:
    """Return every adapter by kind, in alphabetical order."""
    modules = [
        f"switchboard.channels.{path.parent.name}" for path in Path(__file__).parent.glob("*/manifest.toml")
    ]
    modules += [entry.value for entry in entry_points(group="switchboard.channels")]
    found: dict[str, Adapter] = {}
    for name in sorted(modules):
        module = importlib.import_module(name)
        folder = Path(str(module.__file__)).parent
        manifest = load(folder / "manifest.toml")
        found[manifest.kind] = Adapter(manifest, module.CHANNEL, folder)
    return dict(sorted(found.items()))
