"""The OpenAPI document, with every answer of every endpoint, and a page that shows it without help from
elsewhere.
"""

import html
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from switchboard import __version__
from switchboard.api import problems
from switchboard.staff.permission import Permission

COOKIE, BEARER = "session", "bearer"
_PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
_MEANINGS = {
    400: "The request is malformed or a field is not valid.",
    401: "Nobody is signed in, or the credentials are wrong.",
    403: "Not permitted, or the CSRF header is missing.",
    404: "No such thing, or not to be seen.",
    409: "Somebody was faster, or a thing of that name exists; `current` is the conversation as it is now.",
    413: "The body is too large.",
    415: "The body is of another type than it should be.",
    422: "The input is well-formed and wrong.",
    429: "Too many attempts; `Retry-After` says how long to wait.",
    503: "The database is away; nothing was done.",
}
_READS = (400, 401, 403, 404, 503)
_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names a request: the same once more gets the same answer, another body 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def config() -> OpenAPIConfig:
    """Return what Litestar needs to know; its own pages lie aside, ours are `/openapi.json` and `/docs`."""
    schemes: dict[str, Any] = {
        COOKIE: SecurityScheme(
            type="apiKey",
            security_scheme_in="cookie",
            name="switchboard_session",
            description="Set by signing in; everything but reads needs the X-CSRF-Token header.",
        ),
        BEARER: SecurityScheme(type="http", scheme="bearer", description="An API key, or a session's token."),
    }
    return OpenAPIConfig(
        title="Switchboard",
        version=__version__,
        description="Everything an agent's page does, for programs.",
        path="/api/v1/description",
        components=Components(security_schemes=schemes),
        use_handler_docstrings=True,
    )


def document(app: Litestar) -> dict[str, Any]:
    """Return the OpenAPI document: Litestar's, with our problem answers in the place of its own."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    _, schemas = msgspec.json.schema_components(
        [problems.ProblemDocument], ref_template="#/components/schemas/{name}"
    )
    known = found["components"]["schemas"]
    known |= {name: schema for name, schema in schemas.items() if name not in known}
    options = _options(app)
    for path, item in found["paths"].items():
        for method, operation in item.items():
            option = options[path, method.upper()]
            _complete(operation, method, option["permission"], option.get("answers", ()))
    return found


def _options(app: Litestar) -> dict[tuple[str, str], dict[str, Any]]:
    """What handlers say of themselves: `permission`, and `answers`, statuses that others of their method don't give."""
    return {
        (route.path_format, method): handler.opt
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
        if "permission" in handler.opt
    }


def _complete(operation: dict[str, Any], method: str, permission: Permission, more: tuple[int, ...]) -> None:
    answers = operation["responses"]
    for status in (*(_READS if method == "get" else _WRITES), *more):
        content = {problems.MEDIA_TYPE: {"schema": _PROBLEM}}
        answers[str(status)] = {"description": _MEANINGS[status], "content": content}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if {"type": "null"} in schema.get("oneOf", schema.get("anyOf", ())):
            operation["requestBody"]["required"] = False
    operation["x-permission"] = str(permission)
    public = permission is Permission.PUBLIC
    operation["security"] = [] if public else [{COOKIE: []}, {BEARER: []}]
    if method == "post" and not public:
        operation.setdefault("parameters", []).append(_KEY)


@cache
def _encoded(app: Litestar) -> bytes:
    return msgspec.json.encode(document(app))


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the OpenAPI 3.1 document."""
    return Response(_encoded(request.app), media_type="application/json")


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any]) -> Response[str]:
    """Return a page that lists every endpoint."""
    return Response(
        page(document(request.app)), media_type=MediaType.HTML, headers={"content-security-policy": _POLICY}
    )


_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(found: dict[str, Any]) -> str:
    """Draw the document as one page of HTML: no script, nothing fetched from anywhere."""
    style = resources.files(__package__).joinpath("docs.css").read_text("utf-8")
    operations = [
        (path, method, operation)
        for path, item in found["paths"].items()
        for method, operation in item.items()
    ]
    schemas = found["components"]["schemas"]
    entries = "".join(_entry(path, method, operation) for path, method, operation in operations)
    shapes = "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
    title = html.escape(f"{found['info']['title']} {found['info']['version']}")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{style}</style><h1>{title}</h1>"
        f"<p>{html.escape(found['info']['description'])} "
        f"The same for programs: <a href=/openapi.json>/openapi.json</a> (OpenAPI {found['openapi']}).</p>"
        f"<h2>Endpoints</h2>{entries}<h2>Shapes</h2>{shapes}</html>"
    )


def _entry(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(one['name'])}</code><td>{one['in']}<td>{_type(one['schema'])}"
        f"<td>{html.escape(one.get('description') or '')}"
        for one in operation.get("parameters", [])
    )
    body = "".join(
        f"<tr><td>body<td>{html.escape(kind)}<td>{_type(content['schema'])}<td>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<tr><td>{status}<td>answer<td>"
        + ", ".join(_type(content["schema"]) for content in (answer.get("content") or {}).values())
        + f"<td>{html.escape(answer.get('description') or '')}"
        for status, answer in sorted(operation["responses"].items())
    )
    permission = html.escape(operation["x-permission"])
    return (
        f"<details><summary><b class={method}>{method.upper()}</b> <code>{html.escape(path)}</code>"
        f"<span>{permission}</span></summary>"
        f"<p>{_words(operation)}</p><table>{rows}{body}{answers}</table></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = html.escape(schema["$ref"].rsplit("/", 1)[1])
        return f"<a href='#{name}'>{name}</a>"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(one) for one in schema[several])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(html.escape(repr(one)) for one in schema["enum"])
    kind = schema.get("type", "anything")
    return html.escape(" or ".join(kind) if isinstance(kind, list) else str(kind)) + (
        f" ({html.escape(schema['format'])})" if "format" in schema else ""
    )


def _shape(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(field)}</code>"
        f"<td>{'' if field in schema.get('required', ()) else 'optional'}<td>{_type(kind)}<td>{_words(kind)}"
        for field, kind in schema.get("properties", {}).items()
    )
    label = html.escape(name)
    return f"<section id='{label}'><h3>{label}</h3><p>{_words(schema)}</p><table>{rows}</table></section>"


def _words(thing: dict[str, Any]) -> str:
    return html.escape(thing.get("description") or "")


HANDLERS = [openapi, docs]
