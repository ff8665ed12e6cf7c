"""Every error as a problem document (RFC 9457): type, title, status, detail, code, errors."""

import re
from http import HTTPStatus
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from switchboard.core.errors import Conflict, Problem, TooMany
from switchboard.db.pool import TRANSIENT
from switchboard.workspace.rows import Conversation

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
_FIELD = re.compile(r"(?:missing required|contains unknown) field `([^`]+)`")
_PATH = re.compile(r"`\$\.?([^`]*)`")
_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
}


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one input; `field` is a dotted path like `config.phone`."""

    field: str
    message: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error. `code` is stable, for programs; `detail` is for people; a lost race carries `current`."""

    title: str
    status: int
    code: str
    type: str = "about:blank"
    detail: str = ""
    errors: list[FieldProblem] = []
    current: Conversation | None = None


class Lost(Conflict):
    """A lost race over a conversation, with the conversation as it is now."""

    def __init__(self, conflict: Conflict, current: Conversation | None) -> None:
        super().__init__(
            conflict.detail, code=conflict.code, field=conflict.field, conversation=conflict.conversation
        )
        self.current = current


class Replayed(Exception):
    """The answer to this request was given before."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def answer(document: ProblemDocument, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Turn a problem into a response."""
    return Response(
        msgspec.json.encode(document),
        status_code=document.status,
        media_type=MEDIA_TYPE,
        headers=headers or {},
    )


def document(
    status: int,
    code: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    current: Conversation | None = None,
) -> ProblemDocument:
    """Describe a problem; the title is the status in words."""
    return ProblemDocument(
        HTTPStatus(status).phrase, status, code, detail=detail, errors=errors or [], current=current
    )


def on_problem(_: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
    """Answer what a verb refused."""
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    errors = [FieldProblem(error.field, error.detail)] if error.field else []
    current = error.current if isinstance(error, Lost) else None
    return answer(document(error.status, error.code, error.detail, errors, current), headers)


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refused: unknown paths and methods, malformed bodies, invalid fields."""
    headers = {key: value for key, value in (error.headers or {}).items() if key.lower() == "allow"}
    if isinstance(error, ValidationException):
        errors = (
            [_field(one) for one in error.extra if isinstance(one, dict)]
            if isinstance(error.extra, list)
            else []
        )
        detail = errors[0].message if errors else "The input is not valid."
        return answer(document(400, "invalid_input", detail, errors), headers)
    if error.status_code >= 500:
        return on_crash(_, error)
    detail = error.detail if error.status_code in (400, 413) else HTTPStatus(error.status_code).description
    code = _CODES.get(error.status_code, "bad_request")
    return answer(document(error.status_code, code, detail or HTTPStatus(error.status_code).phrase), headers)


def _field(one: dict[str, Any]) -> FieldProblem:
    message = str(one.get("message", ""))
    key = str(one.get("key", ""))
    path = [] if key == "data" else [key.removeprefix("data.")]
    if found := _FIELD.search(message):
        path.append(found[1])
    return FieldProblem(".".join(part for part in path if part), message)


def malformed(error: msgspec.ValidationError | msgspec.DecodeError, prefix: str = "") -> Problem:
    """Describe what msgspec refused, with the field's dotted path."""
    text = str(error)
    path = [prefix] if prefix else []
    if (found := _PATH.search(text)) and found[1]:
        path.append(found[1])
    if named := _FIELD.search(text):
        path.append(named[1])
    return Problem(text.split(" - at ")[0], code="invalid_input", field=".".join(path))


def on_replayed(_: Request[Any, Any, Any], error: Replayed) -> Response[bytes]:
    """Give the same answer once more."""
    return Response(
        error.body,
        status_code=error.status,
        media_type=MediaType.JSON if error.body else MediaType.TEXT,
        headers={"Idempotency-Replayed": "true"},
    )


def on_text(_: Request[Any, Any, Any], __: Exception) -> Response[bytes]:
    """Answer for characters that no database keeps."""
    return answer(document(400, "invalid_input", "Text can't contain the NUL character."))


def on_busy(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer for a database that is away or overtaxed: nothing was done, the request can be sent again."""
    log.warning("api_busy", error=f"{type(error).__name__}: {error}")
    return answer(document(503, "busy", "Nothing was done; try again in a moment."), {"Retry-After": "1"})


def on_twice(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer for a race that a unique key decided: somebody else made the same thing a moment ago."""
    log.info("api_twice", path=request.url.path, constraint=getattr(error, "constraint_name", ""))
    return answer(document(409, "conflict", "Somebody else did the same a moment ago; look again."))


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer for our own mistakes: logged, never shown."""
    log.error("api_failed", method=request.method, path=request.url.path, exc_info=error)
    return answer(document(500, "internal", "Something went wrong on our side; it was written down."))


HANDLERS: ExceptionHandlersMap = {
    Problem: on_problem,
    HTTPException: on_http,
    Replayed: on_replayed,
    asyncpg.CharacterNotInRepertoireError: on_text,
    asyncpg.UntranslatableCharacterError: on_text,
    asyncpg.UniqueViolationError: on_twice,
    **dict.fromkeys(TRANSIENT, on_busy),
    Exception: on_crash,
}
