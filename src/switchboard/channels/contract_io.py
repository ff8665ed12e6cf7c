"""The platform's side of a contract test: scripted answers, and a record of what the adapter asked for.

It stands in for the platform behind `net`: failed connections raise Retry, an answer that never came InDoubt.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from switchboard.channels.api import Content, Http, InDoubt, Outbound, Response, Retry, Sent, Stream, Token

WORDS = frozenset(
    {
        "message",
        "description",
        "error_description",
        "error_user_msg",
        "error_user_title",
        "details",
        "detail",
        "title",
        "reason",
        "errmsg",
        "msg",
        "text",
    }
)


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the platform says to one request. `status` is the HTTP (or SMTP) code; `fails` is connect or
    timeout.
    """

    status: int = 200
    json: Any = None
    text: str = ""
    data: bytes = b""
    headers: dict[str, str] = {}
    fails: str = ""

    def response(self) -> Response:
        """Return it as `net` would hand it over."""
        body = (
            self.data or self.text.encode() or (b"" if self.json is None else msgspec.json.encode(self.json))
        )
        kind = "application/json" if self.json is not None else "text/html"
        return Response(self.status, {"content-type": kind, **self.headers}, body)

    def quoting(self, secrets: Sequence[str]) -> "Answer":
        """Return the same answer from a platform careless enough to repeat our secrets in its words."""
        tail = " ".join(["", *secrets])
        text = self.text and self.text + tail
        return msgspec.structs.replace(self, json=_quoting(self.json, tail), text=text)


def _quoting(value: Any, tail: str) -> Any:
    if isinstance(value, dict):
        return {
            key: item + tail if key in WORDS and isinstance(item, str) else _quoting(item, tail)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_quoting(item, tail) for item in value]
    return value


class Upload(msgspec.Struct, frozen=True):
    """One file of a multipart form."""

    name: str
    data: bytes
    mime: str


class Request(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One request of the adapter's, as a golden send writes it down."""

    method: str
    url: str
    headers: dict[str, str] = {}
    params: dict[str, str] = {}
    json: Any = None
    form: dict[str, str] = {}
    files: dict[str, Upload] = {}
    content: bytes = b""


class Golden(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A file of `sends/`: you write `message` (and `files`, `answers` where needed), the suite writes the
    rest.
    """

    message: Outbound
    files: dict[str, Content] = {}
    answers: list[Answer] = []
    requests: list[Request] | None = None
    sent: Sent | None = None


class ScriptedHttp:
    """Answers in the order of the script and writes every request down; the last answer repeats."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        content: bytes | None = None,
        timeout: float = 20,
        max_bytes: int = 50_000_000,
    ) -> Response:
        """Write the request down, then do what the script says."""
        assert timeout > 0, "a request without a time limit can hang a worker"
        assert max_bytes > 0, "a request without a size limit can fill the memory"
        self.requests.append(
            Request(
                method=method,
                url=url,
                headers={name.lower(): value for name, value in (headers or {}).items()},
                params=dict(params or {}),
                json=msgspec.to_builtins(json),
                form=dict(form or {}),
                files={name: Upload(*upload) for name, upload in (files or {}).items()},
                content=content or b"",
            )
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.fails == "connect":
            raise Retry("could not connect")
        if answer.fails == "timeout":
            raise InDoubt("no answer came in time")
        assert len(answer.response().body) <= max_bytes, (
            "the scripted answer is larger than the adapter allows"
        )
        return answer.response()


class KeptTokens:
    """Access tokens of one process, for an Io in a test: fetched at the first call and whenever one is refused."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def token(self, name: str, fetch: Callable[[], Awaitable[Token]], instead_of: str = "") -> str:
        """Return the kept token, or fetch one."""
        if self.kept.get(name, instead_of) == instead_of:
            self.kept[name] = (await fetch()).value
        return self.kept[name]


class ScriptedIo(KeptTokens):
    """The outside world of one test. `files` are stored files by id."""

    def __init__(self, answers: Sequence[Answer], files: Mapping[str, Content] | None = None) -> None:
        super().__init__()
        self.scripted = ScriptedHttp(answers)
        self.http: Http = self.scripted
        self.files = dict(files or {})

    async def resolve(self, host: str, port: int) -> Stream:
        """Refuse: an adapter that connects by itself overrides `deliver` and brings a server of its own on
        loopback.
        """
        raise AssertionError(
            f"{host}:{port}: override `deliver` and give the adapter an Io that leads to a loopback server"
        )

    async def file(self, file_id: UUID) -> Content:
        """Return the stored file that the golden send lists under `files`."""
        assert str(file_id) in self.files, (
            f'name the file in the golden send: "files": {{"{file_id}": {{…}}}}'
        )
        return self.files[str(file_id)]

    def platform_url(self, name: str, default: str) -> str:
        """Return the platform's own address: nothing is redirected in a contract test."""
        assert name, "io.base wants the name of the platform"
        return default.rstrip("/")
