"""Refuses to build a wheel without the front end, which is built first and ignored by git."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SURFACES = ("workspace", "widget", "sandbox")


class FrontEndHook(BuildHookInterface[Any]):
    """An editable install needs no assets; a wheel that somebody is to install does."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if version == "editable":
            return
        static = Path(self.root) / "src" / "switchboard" / "static"
        missing = [name for name in SURFACES if not (static / name).is_dir()]
        if missing:
            raise RuntimeError(f"The front end is not built ({', '.join(missing)}): run `make setup` first.")
