"""One server for all tests of the SDK, and the SDK as it is shipped."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.postgres import fresh_database
from tests.sdk.phone import environment, has_node
from tests.sdk.shop import Shop
from tools.setup import FRONTEND


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built SDK, for Node's own modules; `index.cjs` beside it is that for mini-programs."""
    if not has_node():
        pytest.skip("no node on this machine: install it (20.19 or newer)")
    if not (FRONTEND / "node_modules" / ".bin" / "vite").exists():
        pytest.skip("the front end's packages are not installed: python3 tools/setup.py packages")
    out = tmp_path_factory.mktemp("sdk")
    command = ["npx", "vite", "build", "--outDir", str(out), "--emptyOutDir", "--logLevel", "warn"]
    subprocess.run(command, cwd=FRONTEND / "packages" / "sdk", env=environment(), check=True, timeout=60)
    # As in the package: without this, Node takes the file for the older kind of module.
    (out / "package.json").write_text('{"type": "module"}')
    return out / "index.js"


@pytest.fixture(scope="session")
def mini(sdk: Path) -> Path:
    """WeChat's surroundings out of the mini-program's sample, compiled as its developer tools do it."""
    source = FRONTEND / "samples" / "wechat-miniprogram" / "miniprogram" / "platform.ts"
    command = ["npx", "tsc", str(source), "--ignoreConfig", "--noResolve", "--noCheck", "--module", "es2022"]
    command += ["--target", "es2020", "--outDir", str(sdk.parent / "mini")]
    subprocess.run(command, cwd=FRONTEND, env=environment(), check=True, timeout=60)
    return sdk.parent / "mini" / "platform.js"


@pytest.fixture(scope="session")
def web(sdk: Path) -> Path:
    """The sample for web pages, built, beside the server that it brings along."""
    sample, out = FRONTEND / "samples" / "web", sdk.parent / "web"
    command = ["npx", "vite", "build", str(sample), "--outDir", str(out / "dist"), "--emptyOutDir"]
    subprocess.run([*command, "--logLevel", "warn"], cwd=FRONTEND, env=environment(), check=True, timeout=60)
    return Path(shutil.copy(sample / "server.mjs", out))


@pytest.fixture(scope="package")
def shop(
    sdk: Path, postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A company that has connected its app. Only where the SDK can be tried at all."""
    assert sdk.exists()
    databases = fresh_database(postgres_server, migrated_template)
    made = Shop(tmp_path_factory.mktemp("shop"), next(databases))
    try:
        made.open()
        yield made
    finally:
        made.close()
        next(databases, None)
