"""The API's page and its OpenAPI document, from the application itself; no database is needed to ask it."""

import inspect
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from litestar.handlers import HTTPRouteHandler

from switchboard.api.app import create
from switchboard.api.context import ApiContext
from switchboard.staff.permission import ROLES, RULES, SCOPES, Permission
from tools.reference_text import cell, page, rows

METHODS = ("get", "post", "put", "patch", "delete")
PREFIX = "/api/v1"
_PLAIN = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "object",
}
_FORMATS = {"uuid": "uuid", "date-time": "time", "binary": "file"}
_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
    "pattern": "like",
}
Schema = dict[str, Any]


@cache
def application() -> tuple[Schema, dict[str, HTTPRouteHandler]]:
    """Return the OpenAPI document and the endpoints by operation id."""
    # Nothing is asked of the context until a request comes.
    app = create(cast(ApiContext, None))
    handlers = {
        handler.operation_id: handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and isinstance(handler.operation_id, str)
    }
    return app.openapi_schema.to_schema(), handlers


def openapi_json() -> str:
    """Return the OpenAPI document, keys sorted."""
    return json.dumps(application()[0], indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def short(name: str) -> str:
    """Return a schema's name without the module that Litestar puts in front of it where two are alike."""
    if "_" in name and "." in name:
        outer, _, inner = name.partition("_")
        return f"{outer} of {inner.rstrip('_').rpartition('.')[2]}"
    return name.rpartition(".")[2]


def spell(schema: Schema) -> str:
    """Return a JSON Schema in plain words, with links to what is described below."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{short(name)}](#{anchor(short(name))})"
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(spell(one) for one in schema[word]))
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind: Any = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(_PLAIN.get(str(one), str(one)) for one in kind)
    if kind == "array":
        return (
            f"list of {spell(schema.get('items', {}))}" if isinstance(schema.get("items"), dict) else "list"
        )
    plain = _FORMATS.get(str(schema.get("format", "")), _PLAIN.get(str(kind), str(kind)))
    return plain + bounds(schema)


def bounds(schema: Schema) -> str:
    """Return the limits that a schema sets, in brackets."""
    said = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return f" ({', '.join(said)})" if said else ""


def anchor(heading: str) -> str:
    """Return how a heading is linked to."""
    return "".join(
        letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter in "-_"
    )


def fields(schema: Schema) -> str:
    """Return a table of an object's fields."""
    required = schema.get("required", [])
    lines = [
        (
            f"`{name}`",
            cell(spell(said)),
            "yes" if name in required else "",
            cell(str(said.get("description", ""))),
        )
        for name, said in schema.get("properties", {}).items()
    ]
    return rows(("field", "type", "required", "about"), lines)


def group(path: str, operation: Schema) -> str:
    """Return under which heading an endpoint stands: its tag, else the first noun of its path."""
    tags = operation.get("tags") or []
    return str(tags[0]) if tags else path.removeprefix(PREFIX).strip("/").partition("/")[0]


def permission_of(operation: Schema) -> str:
    """Say who may call an endpoint."""
    handler = application()[1].get(operation.get("operationId", ""))
    found = handler.opt.get("permission") if handler is not None else None
    if found is Permission.PUBLIC:
        return "anybody, without signing in"
    if found is Permission.SELF:
        return "everybody who is signed in"
    return f"`{found}`" if isinstance(found, Permission) else "not said"


def about(operation: Schema) -> str:
    """Return what an endpoint does, from its handler's docstring."""
    handler = application()[1].get(operation.get("operationId", ""))
    said = inspect.getdoc(handler.fn) if handler is not None else ""
    return " ".join((said or str(operation.get("description", ""))).split())


def content(body: Schema) -> Iterator[str]:
    """Yield what a request or an answer holds, by its type."""
    for kind, holder in body.get("content", {}).items():
        schema = holder.get("schema", {})
        named = "" if kind == "application/json" else f" as `{kind}`"
        inline = "" if "$ref" in schema or not schema.get("properties") else "\n\n" + fields(schema)
        yield f"{spell(schema)}{named}{inline}"


def parameter(one: Schema) -> tuple[str, ...]:
    """Return a parameter's line."""
    kind, words = cell(spell(one.get("schema", {}))), cell(str(one.get("description", "")))
    return f"`{one['name']}`", one["in"], kind, "yes" if one.get("required") else "", words


def endpoint(method: str, path: str, operation: Schema) -> str:
    """Return one endpoint's section."""
    lines = [
        f"### {method.upper()} {path}",
        "",
        about(operation),
        "",
        f"May: {permission_of(operation)}.",
        "",
    ]
    parameters = [one for one in operation.get("parameters", []) if "$ref" not in one]
    if parameters:
        lines.append(rows(("parameter", "in", "type", "required", "about"), list(map(parameter, parameters))))
    if body := operation.get("requestBody"):
        lines += [f"Request: {'; '.join(content(body))}", ""]
    for status, answer in operation.get("responses", {}).items():
        said = "; ".join(content(answer)) if int(status) < 400 else cell(str(answer.get("description", "")))
        lines.append(f"- {status}: {said or 'nothing'}")
    return "\n".join([*lines, ""])


def permissions() -> str:
    """Return who has which permission."""
    found = [
        (
            f"`{one}`",
            *("✓" if role in rule.roles else "" for role in ROLES),
            "✓" if str(one) in SCOPES else "",
        )
        for one, rule in RULES.items()
        if one is not Permission.SELF
    ]
    return rows(("permission", *ROLES, "scope of an API key"), found)


def api_page() -> str:
    """Return the page of all endpoints, by subject."""
    document, _ = application()
    grouped: dict[str, list[str]] = {}
    for path, operations in sorted(document["paths"].items()):
        for method in METHODS:
            if operation := operations.get(method):
                grouped.setdefault(group(path, operation), []).append(endpoint(method, path, operation))
    body = [
        "JSON over HTTP. [Use the API](../how-to/use-the-api.md) tells how to sign in, page, repeat and read",
        "errors. The same for programs: [openapi.json](openapi.json); a running installation has it, too.",
        "",
        "Subjects: " + ", ".join(f"[{name}](#{anchor(name)})" for name in sorted(grouped)) + ".",
        "",
        "## Permissions",
        "",
        permissions(),
    ]
    for name in sorted(grouped):
        body += [f"## {name}", "", *grouped[name]]
    body += ["## Schemas", ""]
    for name, schema in sorted(
        document.get("components", {}).get("schemas", {}).items(), key=lambda pair: short(pair[0])
    ):
        words = " ".join(str(schema.get("description", "")).split())
        content_of = fields(schema) if schema.get("properties") else f"{spell(schema)}\n"
        body += [f"### {short(name)}", "", *([words, ""] if words else []), content_of]
    return page("API", "the running application", body)
