"""The channels' page: what each kind carries both ways, from the manifests and the forms of the adapters."""

from typing import Any

from switchboard.channels.manifest import Manifest, Window
from switchboard.channels.registry import Adapter, adapters
from switchboard.core.capability import ChoicesLimit, MediaLimit, StickerLimit, TextLimit
from tools.reference_text import cell, page, rows

SENDS = (
    "text",
    "image",
    "audio",
    "video",
    "file",
    "sticker",
    "choices",
    "location",
    "contact",
    "template",
    "product",
)
OVERVIEW = (
    "channel",
    "kind",
    "tier",
    "arrives by",
    "free answer within",
    "receipts",
    "sends a second",
    "also does",
)


def size(count: int) -> str:
    """Return bytes in a readable form, rounded down to what is surely accepted."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if count >= factor:
            return f"{count / factor:.1f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{count} B"


def limit_of(value: object) -> str:
    """Say what a channel can carry of one kind."""
    match value:
        case TextLimit(max=most, unit=unit):
            return f"{most} {unit}"
        case StickerLimit(max_bytes=0, packs=packs):
            return f"{sum(pack.last - pack.first + 1 for pack in packs)} of the platform's"
        case MediaLimit(max_bytes=most, mimes=mimes, caption=caption):
            types = f", {len(mimes)} type{'s' if len(mimes) > 1 else ''}" if mimes else ""
            return f"{size(most)}{types}{f', caption {caption}' if caption else ''}"
        case ChoicesLimit():
            lists = f", {value.rows} rows" if value.rows else ""
            return f"{value.buttons} buttons{lists}{', addresses' if value.urls else ''}"
        case True:
            return "yes"
        case _:
            return "degraded"


def arrives(manifest: Manifest) -> str:
    """Say by which way messages come in."""
    ways = {
        "webhook": manifest.webhook,
        "poll": "poll" in manifest.does,
        "session": "session" in manifest.does,
    }
    return ", ".join(way for way, given in ways.items() if given) or "own socket"


def window_of(window: Window) -> str:
    """Say how long and how often one may answer freely."""
    span = f"{window.hours:g} h" if window.hours >= 1 else f"{window.hours * 60:g} min"
    act = "" if window.opened_by == "message" else f"{window.opened_by}: "
    return f"{act}{span}" + (f" / {window.messages}" if window.messages else "")


def overview_of(one: Manifest) -> tuple[str, ...]:
    """Return a channel's line in the overview."""
    return (
        one.names.en if one.names.en == one.names.zh else f"{one.names.en} {one.names.zh}",
        f"`{one.kind}`",
        one.tier,
        arrives(one),
        ", ".join(map(window_of, one.windows)) or "always",
        ", ".join(one.receipts) or "none",
        f"{one.rate.per_second:g}",
        ", ".join(f"`{name}`" for name in one.does) or "—",
    )


def described(adapter: Adapter) -> str:
    """Return a channel's section: what it is, and the fields of its form."""
    facts, schema = adapter.manifest, adapter.schema()
    properties: dict[str, Any] = schema["properties"]
    required = schema.get("required", [])
    fields = [
        (
            f"`{name}`",
            cell(str(about.get("title", ""))),
            cell(str(about.get("x-title-zh", ""))),
            "yes" if about.get("x-secret") else "",
            "yes" if name in required else "",
        )
        for name, about in properties.items()
    ]
    table = rows(("field", "title", "标题", "secret", "required"), fields)
    return "\n\n".join([f"### {facts.names.en}", facts.description.en, facts.description.zh, table])


def channels_page() -> str:
    """What each kind of channel carries, both ways."""
    found = [one.manifest for one in adapters().values()]
    heads = [f"`{one.kind}`" for one in found]
    inbound = list(dict.fromkeys(name for one in found for name in one.receives))
    received = [
        (f"`{name}`", *("✓" if name in one.receives else "" for one in found)) for name in sorted(inbound)
    ]
    sent = [(f"`{name}`", *(limit_of(getattr(one.sends, name)) for one in found)) for name in SENDS]
    body = [
        rows(OVERVIEW, [overview_of(one) for one in found]),
        "Received content outside this table arrives as `unsupported`, with the platform's own name for it.",
        "",
        "## In",
        "",
        rows(("content", *heads), received),
        "## Out",
        "",
        "*degraded* means: said in words or by a link instead, and never dropped silently.",
        "",
        rows(("content", *heads), sent),
        "## Settings of each channel",
        "",
        *map(described, adapters().values()),
    ]
    return page("Channels", "the manifests in src/switchboard/channels", body)
