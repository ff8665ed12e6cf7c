"""The SDK's package, as an app's compiler and loader find it."""

import subprocess
from pathlib import Path

import pytest

from tests.sdk.phone import environment
from tools.setup import FRONTEND

pytestmark = pytest.mark.xdist_group("sdk")

USE = """
import { Chat, type Entry } from "@switchboard/sdk";
const chat = new Chat({ server: "https://contact.example", channel: "key" });
const shown: Entry[] = chat.timeline;
const end: () => void = chat.on("message", (message) => message.parts.length + shown.length);
// @ts-expect-error: there is no such event
chat.on("massage", end);
"""


@pytest.mark.parametrize(
    ("name", "module"),
    [("a.mts", "nodenext"), ("a.cts", "nodenext"), ("a.ts", "esnext --moduleResolution bundler")],
)
def test_every_kind_of_module_resolution_finds_the_types(sdk: Path, name: str, module: str) -> None:
    app = sdk.parents[4]
    (app / name).write_text(USE)
    words = f"{name} --ignoreConfig --noEmit --strict --target es2022 --lib es2022 --types --module {module}"
    command = [str(FRONTEND / "node_modules" / ".bin" / "tsc"), *words.split()]
    done = subprocess.run(command, cwd=app, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("a.mjs", "import * as sdk from '@switchboard/sdk'"),
        ("a.cjs", "const sdk = require('@switchboard/sdk')"),
    ],
)
def test_both_kinds_of_modules_load_it(sdk: Path, name: str, load: str) -> None:
    app = sdk.parents[4]
    (app / name).write_text(f"{load}; process.stdout.write(Object.keys(sdk).sort().join())")
    done = subprocess.run(["node", name], cwd=app, capture_output=True, text=True, check=True)
    assert set(done.stdout.split(",")) - {"default", "module.exports"} == {
        "Chat",
        "RequestFailed",
        "inMemory",
    }
