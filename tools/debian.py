"""Programs that only tests need: Chromium, a Chinese font, Dovecot. No root, no change to the machine.

Taken from the machine where installed, else downloaded with what they depend on and unpacked under
`$SWITCHBOARD_DATA/debian` (default ./var/debian), each into a directory of its own. What was found is
written to `programs.json` there, a key for each program that works:

    {"chromium": "path of the program or of our wrapper",
     "dovecot": "root of the tree it lies in, / on the machine",
     "dovecot_libraries": "for LD_LIBRARY_PATH"}

Run again it only looks.

    python -m tools.debian [--fetch] [--status FILE]

--fetch ignores what the machine has; --status names the list of installed packages to believe
instead of dpkg's.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = {
    "chromium": ["chromium", "chromium-common"],
    "font": ["fonts-wqy-microhei", "fontconfig-config"],
    "dovecot": ["dovecot-core", "dovecot-imapd", "dovecot-pop3d"],
}


class CannotFetch(Exception):
    """Why a program can be had neither from the machine nor from Debian."""


def say(text: str) -> None:
    sys.stdout.write(f"system: {text}\n")
    sys.stdout.flush()


def data_directory() -> Path:
    return Path(os.environ.get("SWITCHBOARD_DATA") or ROOT / "var").absolute() / "debian"


def on_machine() -> dict[str, str]:
    found: dict[str, str] = {}
    if browser := shutil.which("chromium"):
        found["chromium"] = browser
    programs = ("sbin/dovecot", "bin/doveconf", "lib/dovecot/imap-login", "lib/dovecot/pop3-login")
    if all((Path("/usr") / program).exists() for program in programs):
        found |= {"dovecot": "/", "dovecot_libraries": ""}
    return found


def machine_reads_chinese() -> bool:
    program = shutil.which("fc-list")
    return bool(
        program and subprocess.run([program, ":lang=zh"], capture_output=True, check=False).stdout.strip()
    )


class Apt:
    """apt with lists, caches and locks of its own, so that any account may use it."""

    def __init__(self, home: Path, status: Path) -> None:
        self.home = home
        for name in ("lists/partial", "archives/partial", "log"):
            (home / name).mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State": home,
            "Dir::State::lists": home / "lists",
            "Dir::State::status": status,
            "Dir::State::extended_states": home / "extended_states",
            "Dir::Cache": home,
            "Dir::Cache::archives": home / "archives",
            "Dir::Log": home / "log",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "root",  # the account that we are: its home may be private
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
        self.options = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def run(self, *words: str) -> None:
        program = shutil.which("apt-get")
        if program is None:
            raise CannotFetch("this machine has no apt-get")
        command = [program, "-q", *self.options, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode != 0:
            raise CannotFetch(" ".join((done.stderr.strip() or done.stdout.strip()).split())[-400:])

    def packages(self, names: list[str]) -> list[Path]:
        """Download the packages and all that they need and the machine lacks."""
        for left in (self.home / "archives").glob("*.deb"):
            left.unlink()
        self.run("install", "--download-only", "--reinstall", "-y", "--no-install-recommends", *names)
        return sorted((self.home / "archives").glob("*.deb"))


def unpack(packages: list[Path], target: Path) -> None:
    """Unpack into a fresh directory that takes its name when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="unpack-", dir=target.parent))
    for package in packages:
        subprocess.run(["dpkg", "-x", str(package), str(partial)], check=True)
        package.unlink()
    partial.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def library_path(root: Path) -> str:
    """Every directory of the unpacked tree that holds shared libraries of others."""
    places = [*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*"), root / "usr/lib/dovecot"]
    nested = [found for place in places for found in (place / "nss", place / "pulseaudio") if found.is_dir()]
    return os.pathsep.join(str(place) for place in [*places, *nested] if place.is_dir())


def write_wrapper(script: Path, program: Path, libraries: str, fonts: Path) -> str:
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"\n'
        f'export FONTCONFIG_FILE="{fonts}"\n'
        f'exec "{program}" "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def write_font_configuration(home: Path) -> Path:
    """The unpacked fonts, and the configuration of the machine, or the unpacked one where there is none."""
    path = home / "fonts.conf"
    settings = [
        Path("/etc/fonts/fonts.conf"),
        home / "font/etc/fonts/fonts.conf",
        home / "chromium/etc/fonts/fonts.conf",
    ]
    included = [f"  <include>{found}</include>\n" for found in settings if found.exists()]
    path.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"  <dir>{home}/font/usr/share/fonts</dir>\n  <dir>{home}/chromium/usr/share/fonts</dir>\n"
        f"  <cachedir>{home}/fontcache</cachedir>\n{''.join(included[:1])}</fontconfig>\n"
    )
    return path


def fetch(missing: list[str], home: Path, status: Path) -> None:
    """Download and unpack what is not unpacked yet."""
    wanted = [name for name in missing if not (home / name).is_dir()]
    if not wanted:
        return
    say(f"downloading from Debian: {', '.join(wanted)} ...")
    apt = Apt(home / "apt", status)
    apt.run("update")
    for name in wanted:
        packages = apt.packages(WANTED[name])
        unpack(packages, home / name)
        say(f"{name}: {len(packages)} packages unpacked into {home / name}")


def unpacked(home: Path, machine: dict[str, str]) -> dict[str, str]:
    """What the unpacked trees offer, the machine's own programs going first."""
    found = dict(machine)
    fonts = write_font_configuration(home)
    if "chromium" not in machine and (home / "chromium").is_dir():
        program, libraries = home / "chromium/usr/lib/chromium/chromium", library_path(home / "chromium")
        found["chromium"] = write_wrapper(home / "bin/chromium", program, libraries, fonts)
    elif "chromium" in machine and (home / "font").is_dir():
        found["chromium"] = write_wrapper(home / "bin/chromium", Path(machine["chromium"]), "", fonts)
    if "dovecot" not in machine and (home / "dovecot").is_dir():
        found |= {"dovecot": str(home / "dovecot"), "dovecot_libraries": library_path(home / "dovecot")}
    return found


def answers(program: Path, libraries: str = "") -> bool:
    env = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None
    command = [str(program), "--version"]
    try:
        return subprocess.run(command, env=env, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def keep_working(found: dict[str, str]) -> None:
    if "chromium" in found and not answers(Path(found["chromium"])):
        say(f"!!! {found.pop('chromium')} does not start !!!")
    if "dovecot" in found and not answers(
        Path(found["dovecot"]) / "usr/sbin/dovecot", found["dovecot_libraries"]
    ):
        say(f"!!! the dovecot in {found.pop('dovecot')} does not start !!!")


def main() -> int:
    options = argparse.ArgumentParser(description="Provide the system programs that tests need.")
    options.add_argument("--fetch", action="store_true")
    options.add_argument("--status", type=Path, default=Path("/var/lib/dpkg/status"))
    given = options.parse_args()
    home = data_directory()
    home.mkdir(parents=True, exist_ok=True)
    machine = {} if given.fetch else on_machine()
    missing = [name for name in ("chromium", "dovecot") if name not in machine]
    if given.fetch or not machine_reads_chinese():
        missing.append("font")
    try:
        fetch(missing, home, given.status)
    except (CannotFetch, OSError, subprocess.SubprocessError) as error:
        say(f"!!! neither on this machine nor from Debian: {', '.join(missing)} ({error}) !!!")
    found = unpacked(home, machine)
    keep_working(found)
    report = home / "programs.json"
    text = json.dumps(found, indent=2) + "\n"
    if not (report.exists() and report.read_text() == text):
        report.write_text(text)
        for name in ("chromium", "dovecot"):
            say(f"{name}: {found.get(name, 'none')}")
    return 0 if {"chromium", "dovecot"} <= found.keys() else 1


if __name__ == "__main__":
    sys.exit(main())
