"""Parts of what a person or a test asks a customer to do, checked before they are used."""

from typing import Any

from switchboard.sandbox.web import Refused

Json = dict[str, Any]
BUND: Json = {"latitude": 31.2397, "longitude": 121.4903, "name": "外滩", "address": "上海市黄浦区中山东一路"}


def fields(wish: Json, name: str) -> Json:
    """An object of the wish, empty where there is none; Refused(422) where it is something else."""
    found = wish.get(name) or {}
    if not isinstance(found, dict):
        raise Refused(422, f"{name}: an object")
    return found


def place(wish: Json) -> Json:
    """Where the customer is: `{latitude, longitude, name?, address?}`, else a well-known place."""
    found = fields(wish, "location") or BUND
    for name in ("latitude", "longitude"):
        if not isinstance(found.get(name), int | float):
            raise Refused(422, f"location: {name} is a number")
    return dict(found)
