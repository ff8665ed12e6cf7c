"""Chromium and Dovecot for the tests, from the machine or as tools/debian.py unpacked them."""

import grp
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tools import debian

PROMPTLY = 10.0


class Mailbox(msgspec.Struct, frozen=True):
    """One account on a running Dovecot; no TLS. A file put into `maildir`/new is a new mail."""

    host: str
    imap_port: int
    pop3_port: int
    user: str
    password: str
    maildir: Path


@pytest.fixture(scope="session")
def system_programs() -> dict[str, str]:
    """What tools/debian.py found; it is run when nobody did yet."""
    report = debian.data_directory() / "programs.json"
    if not report.exists():
        subprocess.run([sys.executable, "-m", "tools.debian"], cwd=debian.ROOT, check=False)
    found: dict[str, str] = json.loads(report.read_text())
    return found


@pytest.fixture(scope="session")
def chromium(system_programs: dict[str, str]) -> str:
    """Path of a Chromium that starts headless and knows a Chinese font."""
    if "chromium" not in system_programs:
        pytest.skip("no Chromium: run python -m tools.debian")
    return system_programs["chromium"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    """Playwright drives this Chromium, none of its own. Its sandbox needs rights that a container lacks."""
    quiet = [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    return {**browser_type_launch_args, "executable_path": chromium, "args": quiet}


@pytest.fixture(scope="session")
def dovecot(system_programs: dict[str, str]) -> Iterator[Mailbox]:
    """A real IMAP and POP3 server on loopback with one empty mailbox, its own for each xdist worker."""
    if "dovecot" not in system_programs:
        pytest.skip("no Dovecot: run python -m tools.debian")
    home = Path(tempfile.mkdtemp(prefix="dovecot-"))
    root, libraries = Path(system_programs["dovecot"]), system_programs["dovecot_libraries"]
    account = _account()
    if os.geteuid() == 0 and str(root) != "/" and not _reaches(account, root):
        # Unpacked in a private home, where the account without rights cannot walk.
        private, root = root, home / "programs"
        shutil.copytree(private, root, symlinks=True)
        libraries = libraries.replace(str(private), str(root))
    mailbox = Mailbox(
        "127.0.0.1", _free_port(), _free_port(), "desk", "correct horse", home / "mail" / "desk"
    )
    for folder in ("cur", "new", "tmp"):
        (mailbox.maildir / folder).mkdir(parents=True)
    (home / "users").write_text(f"{mailbox.user}:{{PLAIN}}{mailbox.password}::::::\n")
    settings = home / "dovecot.conf"
    settings.write_text(_settings(home, root, account, mailbox))
    _give(home, account)
    process = _launch(settings, root, libraries, account)
    try:
        for port in (mailbox.imap_port, mailbox.pop3_port):
            _await_greeting(port, process, home)
        yield mailbox
    finally:
        process.terminate()
        process.wait(PROMPTLY)
        shutil.rmtree(home)


def _account() -> pwd.struct_passwd:
    """Dovecot's login processes refuse to be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _lend(account: pwd.struct_passwd) -> dict[str, Any]:
    if account.pw_uid == os.geteuid():
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reaches(account: pwd.struct_passwd, path: Path) -> bool:
    return subprocess.run(["test", "-x", str(path)], check=False, cwd="/", **_lend(account)).returncode == 0


def _give(home: Path, account: pwd.struct_passwd) -> None:
    if account.pw_uid != os.geteuid():
        for path in (home, *home.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _launch(
    settings: Path, root: Path, libraries: str, account: pwd.struct_passwd
) -> subprocess.Popen[bytes]:
    """Let doveconf read the settings and become dovecot, which itself would look for doveconf in /usr/bin."""
    reader, server = root / "usr/bin/doveconf", root / "usr/sbin/dovecot"
    words = [reader, "-f", "service=master", "-c", settings, "-p", "-e", server, "-F", "-c", settings]
    env = {"PATH": "/usr/bin:/bin", **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    return subprocess.Popen([str(word) for word in words], env=env, cwd=settings.parent, **_lend(account))


def _await_greeting(port: int, process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + PROMPTLY
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                if client.recv(3) in (b"* O", b"+OK"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    log = home / "log"
    raise RuntimeError(f"Dovecot does not answer: {log.read_text() if log.exists() else 'it wrote no log'}")


def _settings(home: Path, root: Path, account: pwd.struct_passwd, mailbox: Mailbox) -> str:
    group = grp.getgrgid(account.pw_gid).gr_name
    library = root / "usr/lib/dovecot"
    return f"""
protocols = imap pop3
listen = {mailbox.host}
base_dir = {home}/run
state_dir = {home}/state
libexec_dir = {library}
mail_plugin_dir = {library}/modules
login_plugin_dir = {library}/modules/login
import_environment = LD_LIBRARY_PATH
default_internal_user = {account.pw_name}
default_internal_group = {group}
default_login_user = {account.pw_name}
log_path = {home}/log
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
first_valid_gid = 0
mail_max_userip_connections = 100
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={home}/mail/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{_login("imap", mailbox.imap_port)}{_login("pop3", mailbox.pop3_port)}"""


def _login(protocol: str, port: int) -> str:
    return f"""service {protocol}-login {{
  chroot =
  inet_listener {protocol} {{
    port = {port}
  }}
  inet_listener {protocol}s {{
    port = 0
  }}
}}
"""
