"""Configuration fields: how an adapter describes the administrator's form, and keeps its secrets out of texts. Adapters take
these names from `channels.api`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec


def field(title: str, zh: str, description: str = "", description_zh: str = "", **extra: Any) -> msgspec.Meta:
    """Describe a configuration field in both languages; becomes the administrator's form through JSON Schema."""
    schema = {"x-title-zh": zh, "x-description-zh": description_zh, **extra}
    return msgspec.Meta(title=title, description=description, extra_json_schema=schema)


def secret(title: str, zh: str, description: str = "", description_zh: str = "") -> msgspec.Meta:
    """Describe a field that is encrypted at rest and never returned."""
    return field(title, zh, description, description_zh, **{"x-secret": True})


def secrets_of(config: msgspec.Struct) -> list[str]:
    """Return the values of all fields marked `secret`, longest first, so that they can be kept out of texts."""
    schema, components = msgspec.json.schema_components([type(config)], ref_template="{name}")
    properties: dict[str, Any] = components[schema[0]["$ref"]]["properties"]
    values = [
        getattr(config, field.name)
        for field in msgspec.structs.fields(config)
        if properties[field.encode_name].get("x-secret")
    ]
    return sorted({value for value in values if isinstance(value, str) and value}, key=len, reverse=True)


def redact(text: str, secrets: Sequence[str]) -> str:
    """Return a platform's words without the secrets it may have repeated (Graph quotes a malformed token in full)."""
    for value in secrets:
        text = text.replace(value, "…")
    return text
