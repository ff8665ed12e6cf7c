"""XML as Tencent writes it: one level of capitalised elements in `<xml>`, text in CDATA, numbers bare."""

from typing import Any

from defusedxml.ElementTree import ParseError, fromstring

Json = dict[str, Any]


class Malformed(Exception):
    """A text that is no such XML."""


def write(content: Json) -> bytes:
    """`{"ToUserName": "gh_1", "CreateTime": 1}` as XML; a dict nests, a list becomes `<item>`s."""
    return f"<xml>{_inner(content)}</xml>".encode()


def _inner(content: Json) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in content.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return _inner(value)
    if isinstance(value, list):
        return "".join(f"<item>{_value(one)}</item>" for one in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return "<![CDATA[" + str(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def read(text: str) -> Json:
    """The elements of an answer; several `<item>`s become a list."""
    try:
        root = fromstring(text)
    except (ParseError, ValueError) as error:
        raise Malformed(str(error)) from error
    if root.tag != "xml":
        raise Malformed("not <xml>")
    found = _read(root)
    return found if isinstance(found, dict) else {}


def _read(element: Any) -> Any:
    children = list(element)
    if not children:
        return element.text or ""
    if all(child.tag == "item" for child in children):
        return [_read(child) for child in children]
    return {child.tag: _read(child) for child in children}
