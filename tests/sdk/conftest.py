"""One server for all tests of the SDK, and the SDK as it is shipped."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.postgres import fresh_database
from tests.sdk.phone import environment, has_node
from tests.sdk.shop import Shop
from tools.setup import FRONTEND


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK, built, packed and unpacked in an app: what `import` gets; `index.cjs` beside it is what `require` gets."""
    if not has_node():
        pytest.skip("no node on this machine: install it (20.19 or newer)")
    if not (FRONTEND / "node_modules" / ".bin" / "vite").exists():
        pytest.skip("the front end's packages are not installed: python3 tools/setup.py packages")
    app, source = tmp_path_factory.mktemp("app"), FRONTEND / "packages" / "sdk"
    for words in (["run", "build"], ["pack", "--pack-destination", str(app)]):
        command = ["npm", *words, "--silent"]
        subprocess.run(
            command, cwd=source, env=environment(), check=True, timeout=60, stdout=subprocess.DEVNULL
        )
    (packed,) = app.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(app, filter="data")
    installed = app / "node_modules" / "@switchboard" / "sdk"
    installed.parent.mkdir(parents=True)
    return (app / "package").rename(installed) / "dist" / "index.js"


@pytest.fixture(scope="session")
def mini(sdk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """WeChat's surroundings out of the mini-program's sample, compiled as its developer tools do it."""
    assert sdk.exists()
    made = tmp_path_factory.mktemp("mini")
    source = FRONTEND / "samples" / "wechat-miniprogram" / "miniprogram" / "platform.ts"
    command = ["npx", "tsc", str(source), "--ignoreConfig", "--noResolve", "--noCheck", "--module", "es2022"]
    command += ["--target", "es2020", "--outDir", str(made)]
    subprocess.run(command, cwd=FRONTEND, env=environment(), check=True, timeout=60)
    (made / "package.json").write_text('{"type": "module"}')
    return made / "platform.js"


@pytest.fixture(scope="session")
def web(sdk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample for web pages, built, beside the server that it brings along."""
    assert sdk.exists()
    sample, out = FRONTEND / "samples" / "web", tmp_path_factory.mktemp("web")
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
