"""Start a new channel: python -m tools.scaffold line

Writes the folder of an adapter whose contract suite fails with instructions; following them is the work.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANNELS = ROOT / "src" / "switchboard" / "channels"

MANIFEST = """\
kind = "{kind}"
colour = "#808080"
tier = "bronze"
docs = ""
webhook = true
receives = ["message", "text"]
does = []
receipts = []
idempotent = false
retry_days = 1

[names]
en = "{title}"
zh = ""

[description]
en = ""
zh = ""

[sends]

[sends.text]
max = 1000
unit = "characters"

[rate]
per_second = 10
per_recipient_seconds = 0
in_flight = 4
"""

PACKAGE = '''\
"""{title}: what the platform is, and which of its services this adapter speaks to."""

from switchboard.channels.{kind}.channel import {title}Channel

CHANNEL = {title}Channel
'''

CHANNEL = '''\
"""Translates between {title} and Switchboard. Source: name the platform's pages here."""

from typing import Annotated

import msgspec

from switchboard.channels.api import Account, Inbound, Io, Outbound, RawRequest, Sent, field, secret


class {title}Config(msgspec.Struct, frozen=True):
    """What an administrator types in; becomes the form."""

    account: Annotated[str, field("Account", "账号", "Where to find it.", "在哪里可以找到。")]
    token: Annotated[str, secret("Access token", "访问令牌")]


class {title}Channel:
    """The adapter. The contract suite tells what each method must do."""

    config_type = {title}Config

    def __init__(self, config: {title}Config, io: Io) -> None:
        self._config = config
        self._io = io

    def verify(self, request: RawRequest) -> None:
        raise NotImplementedError("verify: raise BadSignature unless the platform signed request.body")

    def parse(self, request: RawRequest) -> list[Inbound]:
        raise NotImplementedError("parse: turn request.body into facts; unknown content becomes Unsupported")

    async def send(self, message: Outbound) -> Sent:
        raise NotImplementedError("send: one call of the platform; sort its errors into the outcomes")

    async def probe(self) -> list[Account]:
        raise NotImplementedError("probe: ask the platform who these credentials are")
'''

TEST = '''\
"""{title}'s contract, and what is peculiar to it."""

from collections.abc import Mapping
from typing import Any

from switchboard.channels.api import RawRequest
from switchboard.channels.contract import Answer, ChannelContract


class Test{title}(ChannelContract):
    """Everything that all adapters promise."""

    kind = "{kind}"
    config = {{"account": "account-for-tests", "token": "a-token-for-tests"}}
    rotated = {{"token": "another-token-for-tests"}}
    answer = Answer(json={{"id": "m1"}})
    samples = ()

    def sign(self, request: RawRequest, config: Mapping[str, Any]) -> Mapping[str, str]:
        raise NotImplementedError("sign: the headers by which {title} proves itself, made apart from it")
'''

SEND = """\
{
  "message": {
    "account": "account-for-tests",
    "to": "recipient-1",
    "parts": [{"type": "text", "text": "Hello"}],
    "idempotency_key": "key-1"
  }
}
"""

GUIDES = {
    "en": "# Connect {title}\n\n## What you need\n\n## Steps\n",
    "zh": "# 连接 {title}\n\n## 准备工作\n\n## 步骤\n",
}


class CannotStart(Exception):
    """Why there is no new folder, in one sentence."""


def scaffold(kind: str, channels: Path = CHANNELS) -> Path:
    """Write the folder and return it."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", kind):
        raise CannotStart("Give the channel a name of small letters: make channel name=line")
    folder = channels / kind
    if folder.exists():
        raise CannotStart(f"{folder.name} exists already; edit it, or choose another name.")
    title = "".join(word.capitalize() for word in kind.split("_"))
    files = {
        "manifest.toml": MANIFEST,
        "__init__.py": PACKAGE,
        "channel.py": CHANNEL,
        f"test_{kind}.py": TEST,
        **{f"setup.{language}.md": guide for language, guide in GUIDES.items()},
    }
    for part in ("fixtures", "sends"):
        (folder / part).mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text.format(kind=kind, title=title), "utf-8")
    (folder / "sends" / "text.json").write_text(SEND)
    return folder


def main(words: list[str]) -> int:
    try:
        folder = scaffold(words[0] if words else "")
    except CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    place = folder.relative_to(ROOT)
    sys.stdout.write(
        f"Made {place}. Now put what the platform posts into {place}/fixtures, run\n"
        f"    .venv/bin/pytest {place}\n"
        "and do what the failures say, from the top; docs/how-to has the whole way.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
