"""The catalogue of a page: what product templates may show."""

from typing import Any

from switchboard.sandbox.inbox.errors import InboxError
from switchboard.sandbox.state import PlatformAccount

Json = dict[str, Any]
MOST_PRODUCTS = 10
GOODS = (
    ("5412345678901234", "SKU-9", "Lamp", "€ 40.00"),
    ("5412345678905678", "SKU-12", "Rain jacket", "€ 89.00"),
)


def shown(account: PlatformAccount, elements: Any) -> list[Json]:
    """The products of a template as their buyers see them; 100/2018320 for one that is not the page's."""
    if not isinstance(elements, list) or not 1 <= len(elements) <= MOST_PRODUCTS:
        raise InboxError(100, f"The parameter elements must have 1 to {MOST_PRODUCTS} elements")
    own: list[list[str]] = account.kept.setdefault("goods", [list(one) for one in GOODS])
    known = {
        ident: {
            "id": ident,
            "retailer_id": retailer,
            "image_url": f"https://cdn.example/{retailer.lower()}.png",
            "title": title,
            "subtitle": price,
        }
        for ident, retailer, title, price in own
    }
    found = [known.get(str(one.get("id") if isinstance(one, dict) else "")) for one in elements]
    if None in found:
        raise InboxError(100, "Invalid product id", subcode=2018320)
    return [one for one in found if one is not None]
