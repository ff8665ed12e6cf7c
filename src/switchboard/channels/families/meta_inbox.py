"""What people do in a Messenger or Instagram conversation, as facts: both platforms send one family of items."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from switchboard.channels.api import (
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    Claim,
    EchoReceived,
    File,
    Form,
    Image,
    Inbound,
    Link,
    Location,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Notice,
    Part,
    Product,
    Reacted,
    ReceiptReceived,
    Sender,
    Source,
    Sticker,
    Text,
    Unsupported,
    Video,
)
from switchboard.channels.families.meta import DEEPEST, BadItem, news
from switchboard.channels.reading import Json, digest, moment, number, obj, plain, rows, text

MEDIA_KINDS = {"image": Image, "audio": Audio, "video": Video, "file": File}
USER_REF = "user_ref:"
HEADS = {"sender", "recipient", "timestamp", "hop_context", "is_self"}
FORMS = {"messaging_feedback", "messaging_customer_information"}
CONTROL = {
    "pass_thread_control": "The conversation was handed to another app",
    "take_thread_control": "The conversation was taken over by another app",
    "request_thread_control": "Another app asks for the conversation",
}
# What reactions are called where the emoji itself is missing.
EMOJI = {
    "like": "\N{THUMBS UP SIGN}",
    "love": "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}",
    "care": "\N{HUGGING FACE}",
    "haha": "\N{SMILING FACE WITH OPEN MOUTH}",
    "laugh": "\N{SMILING FACE WITH OPEN MOUTH}",
    "smile": "\N{SMILING FACE WITH OPEN MOUTH}",
    "wow": "\N{FACE WITH OPEN MOUTH}",
    "sad": "\N{CRYING FACE}",
    "sorry": "\N{CRYING FACE}",
    "angry": "\N{ANGRY FACE}",
    "anger": "\N{ANGRY FACE}",
    "dislike": "\N{THUMBS DOWN SIGN}",
}


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """In what the two platforms differ. `attachment` reads what only one of them sends, or returns nothing."""

    name: str
    attachment: Callable[[str, Json], list[Part]]
    ads_open: bool = False
    """A message after an advertisement opens a longer reply window."""

    def space(self, account: str) -> str:
        """Return the id space of people as one of our accounts knows them."""
        return f"{self.name}:{account}"


class _Place(msgspec.Struct, frozen=True):
    """Where an item stands."""

    dialect: Dialect
    account: str
    at: datetime | None
    item: Json

    @property
    def when(self) -> datetime | None:
        return moment(self.item, "timestamp") or self.at

    def person(self, side: str = "sender") -> Sender:
        """Return who stands on one side; BadItem for nobody."""
        ident, ref = text(self.item, side, "id"), text(self.item, side, "user_ref")
        if not ident and not ref:
            raise BadItem(f"nothing says who it is ({side})")
        return Sender(claims=[Claim(self.dialect.space(self.account), ident or f"{USER_REF}{ref}")])

    @property
    def ours(self) -> bool:
        return bool(self.account) and text(self.item, "sender", "id") == self.account

    def customer(self) -> Sender:
        """Return the person of the conversation, whoever acts."""
        return self.person("recipient" if self.ours else "sender")


def read(dialect: Dialect, account: str, at: datetime | None, item: Json) -> Iterator[Inbound]:
    """Return the facts of one item of `messaging[]` or `standby[]`."""
    account = account or text(item, "recipient", "id")
    place = _Place(dialect, account, at, item)
    for name, reader in READERS.items():
        if name in item:
            content = item[name]
            if not isinstance(content, dict):
                raise BadItem(f"{name} is not an object")
            yield from reader(place, content)
            return
    names = sorted(set(item) - HEADS)
    if not names:
        raise BadItem("nothing says what happened")
    content = obj(item, names[0])
    part: Part = (
        Form(plain(content, DEEPEST)) if names[0] in FORMS and content else Unsupported(names[0][:100])
    )
    yield _told(place, names[0], [part])


# -- messages ----------------------------------------------------------------------------------------------


def _message(place: _Place, message: Json) -> Iterator[Inbound]:
    mid = text(message, "mid")
    if not mid:
        raise BadItem("the message has no id")
    if message.get("is_deleted") is True:
        yield MessageRecalled(
            account=place.account,
            dedupe_key=f"recall:{mid}",
            occurred_at=place.when,
            external_id=mid,
            key=place.customer().claims[0].value,
        )
    elif message.get("is_echo") is True or place.ours:
        customer = place.person("recipient")
        yield EchoReceived(
            account=place.account,
            dedupe_key=f"echo:{mid}",
            occurred_at=place.when,
            external_id=mid,
            customer=customer,
            address=customer.claims[0].value,
            parts=parts_of(place.dialect, message),
            reply_to=text(message, "reply_to", "mid"),
            idempotency_key=text(message, "metadata"),
        )
    else:
        referral = plain(obj(message, "referral"), DEEPEST)
        yield _received(
            place,
            parts_of(place.dialect, message),
            mid,
            reply_to=text(message, "reply_to", "mid"),
            referral=referral,
        )


def _received(
    place: _Place,
    parts: list[Part],
    ident: str,
    *,
    reply_to: str = "",
    referral: Json | None = None,
    auto: bool = False,
    opens: str = "message",
) -> MessageReceived:
    sender = place.person()
    from_ad = place.dialect.ads_open and text(referral, "source") == "ADS"
    return MessageReceived(
        account=place.account,
        dedupe_key=f"message:{ident}",
        occurred_at=place.when,
        external_id=ident,
        sender=sender,
        address=sender.claims[0].value,
        parts=parts,
        reply_to=reply_to,
        referral=referral or {},
        auto=auto,
        opens="ad" if from_ad else opens,
    )


def _told(
    place: _Place, what: str, parts: list[Part], *, referral: Json | None = None, opens: str = ""
) -> MessageReceived:
    """Return something that has no id of its own and shows in the timeline."""
    sender = place.person()
    stamp = "" if place.item.get("timestamp") else str(place.at)
    ident = f"{what}:{digest(sender.claims[0].value, place.item, stamp)}"
    return _received(place, parts, ident, referral=referral, auto=opens in {"", "optin"}, opens=opens)


def _postback(place: _Place, postback: Json) -> Iterator[Inbound]:
    payload, title = text(postback, "payload"), text(postback, "title")
    if not payload and not title:
        # Standby apps aren't told the payload.
        parts: list[Part] = [Unsupported("postback", "the platform does not say what was pressed")]
    else:
        parts = [Choice(payload or title, title)]
    referral = plain(obj(postback, "referral"), DEEPEST)
    mid = text(postback, "mid")
    if mid:
        yield _received(place, parts, mid, referral=referral)
    else:
        yield _told(place, "postback", parts, referral=referral, opens="message")


def _edit(place: _Place, edit: Json) -> Iterator[Inbound]:
    mid, words = text(edit, "mid"), text(edit, "text")
    if not mid:
        raise BadItem("the edit names no message")
    yield MessageEdited(
        account=place.account,
        dedupe_key=f"edit:{mid}:{text(edit, 'num_edit') or digest(place.item)}",
        occurred_at=place.when,
        external_id=mid,
        parts=[Text(words)] if words else [Unsupported("message_edit", "the message has no words any more")],
        key=place.customer().claims[0].value,
    )


def _reaction(place: _Place, reaction: Json) -> Iterator[Inbound]:
    mid, action = text(reaction, "mid"), text(reaction, "action")
    if not mid:
        raise BadItem("the reaction names no message")
    named = text(reaction, "emoji") or EMOJI.get(text(reaction, "reaction"), text(reaction, "reaction"))
    if place.ours:
        yield news(place.account, place.when, "own_reaction", place.item)
        return
    sender = place.person()
    yield Reacted(
        account=place.account,
        dedupe_key=f"reaction:{mid}:{sender.claims[0].value}:{action}:{text(place.item, 'timestamp')}",
        occurred_at=place.when,
        external_id=mid,
        sender=sender,
        emoji="" if action == "unreact" else named or "\N{HEAVY BLACK HEART}",
    )


# -- receipts ----------------------------------------------------------------------------------------------


def _delivery(place: _Place, delivery: Json) -> Iterator[Inbound]:
    found = delivery.get("mids")
    mids = [mid for mid in found if isinstance(mid, str) and mid] if isinstance(found, list) else []
    yield from _receipts(place, delivery, "delivered", mids)


def _read(place: _Place, seen: Json) -> Iterator[Inbound]:
    mid = text(seen, "mid")
    yield from _receipts(place, seen, "read", [mid] if mid else [])


def _receipts(place: _Place, receipt: Json, status: str, mids: list[str]) -> Iterator[Inbound]:
    """Each message by its id, or all of them up to a watermark."""
    person = place.person().claims[0].value
    for mid in mids:
        yield ReceiptReceived(
            account=place.account,
            dedupe_key=f"status:{mid}:{status}",
            occurred_at=place.when or moment(receipt, "watermark"),
            external_id=mid,
            status=status,
            key=person,
        )
    if mids:
        return
    up_to = moment(receipt, "watermark")
    if up_to is None:
        raise BadItem("neither message ids nor a watermark say what was received")
    yield ReceiptReceived(
        account=place.account,
        dedupe_key=f"status:{person}:{status}:{text(receipt, 'watermark')}",
        occurred_at=place.when or up_to,
        external_id="",
        status=status,
        key=person,
        up_to=up_to,
    )


# -- the rest ----------------------------------------------------------------------------------------------


def _referral(place: _Place, referral: Json) -> Iterator[Inbound]:
    opens = "ad" if place.dialect.ads_open and text(referral, "source") == "ADS" else "message"
    yield _told(place, "referral", [Notice("referral", data=plain(referral, DEEPEST))], opens=opens)


def _optin(place: _Place, optin: Json) -> Iterator[Inbound]:
    if text(optin, "user_ref") and not obj(place.item, "sender"):
        place = msgspec.structs.replace(
            place, item={**place.item, "sender": {"user_ref": text(optin, "user_ref")}}
        )
    # A token for recurring notifications is a credential of sorts; it is no use to anybody on a screen.
    shown = {
        key: value for key, value in plain(optin, DEEPEST).items() if "token" not in key or "status" in key
    }
    yield _told(place, "optin", [Notice("meta.optin", "Opted in to messages", shown)], opens="optin")


def _linking(place: _Place, linking: Json) -> Iterator[Inbound]:
    linked = text(linking, "status") != "unlinked"
    code = "meta.account_linked" if linked else "meta.account_unlinked"
    words = "Linked an account of the company's" if linked else "Unlinked the account of the company's"
    yield _told(place, "account_linking", [Notice(code, words, plain(linking, DEEPEST))])


def _control(place: _Place, control: Json) -> Iterator[Inbound]:
    what = next(name for name in CONTROL if name in place.item)
    yield _told(place, what, [Notice(f"meta.{what}", CONTROL[what], plain(control, DEEPEST))])


def _roles(place: _Place, roles: Json) -> Iterator[Inbound]:
    yield news(place.account, place.when, "app_roles", roles)


def _policy(place: _Place, policy: Json) -> Iterator[Inbound]:
    action = text(policy, "action")
    status = "green" if action == "unblock" else "red" if action == "block" else "amber"
    yield news(
        place.account,
        place.when,
        f"policy_enforcement:{action}",
        place.item,
        status=status,
        detail=text(policy, "reason"),
    )


READERS: dict[str, Callable[[_Place, Json], Iterator[Inbound]]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "postback": _postback,
    "delivery": _delivery,
    "read": _read,
    "referral": _referral,
    "optin": _optin,
    "account_linking": _linking,
    "pass_thread_control": _control,
    "take_thread_control": _control,
    "request_thread_control": _control,
    "app_roles": _roles,
    "policy_enforcement": _policy,
    "policy-enforcement": _policy,
}


# -- content -----------------------------------------------------------------------------------------------


def parts_of(dialect: Dialect, message: Json) -> list[Part]:
    """Return a message's parts, at least one: what can't be shown is named as Unsupported."""
    found: list[Part] = []
    words, payload = text(message, "text"), text(message, "quick_reply", "payload")
    story = obj(message, "reply_to", "story")
    if story:
        found += dialect.attachment("story", story)
    product = text(message, "referral", "product", "id")
    if product:
        found.append(Product(product))
    if payload:
        found.append(Choice(payload, words))
    elif words:
        found.append(Text(words))
    for attachment in rows(message, "attachments"):
        found += _attachment(dialect, attachment, words)
    if found:
        return found
    unsupported = message.get("is_unsupported") is True
    why = "the platform gives no content of it" if unsupported else "the message has no content that we know"
    return [Unsupported("message", why)]


def _attachment(dialect: Dialect, attachment: Json, words: str) -> list[Part]:
    kind, payload = text(attachment, "type"), obj(attachment, "payload")
    special = dialect.attachment(kind, payload)
    if special:
        return special
    url = text(payload, "url") or text(attachment, "url")
    title = text(attachment, "title") or text(payload, "title")
    found: Part | None = None
    if kind == "image" and text(payload, "sticker_id"):
        found = Sticker(source=Source(url=url) if url else None)
    elif kind in MEDIA_KINDS:
        found = (
            MEDIA_KINDS[kind](source=Source(url=url), name=_name(url) if kind == "file" else "")
            if url
            else None
        )
    elif kind == "location":
        found = _location(title, obj(payload, "coordinates"))
    elif kind in {"fallback", "share", "post", "reel", "ig_reel", "ig_post"} and url:
        # A link in a text comes once more as its preview.
        return [] if kind == "fallback" and url in words else [Link(url, title)]
    elif kind == "template":
        return _template(title, payload)
    return [found or Unsupported((kind or "attachment")[:100], title)]


def _name(url: str) -> str:
    """Return the file name at the end of an address, empty when there is none."""
    last = url.partition("?")[0].rsplit("/", 1)[-1]
    return last[:200] if "." in last else ""


def _location(title: str, place: Json) -> Location | None:
    latitude, longitude = number(place, "lat"), number(place, "long")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Location(latitude, longitude, title)


def _template(title: str, payload: Json) -> list[Part]:
    products = rows(payload, "product", "elements")
    if products:
        return [
            Product(text(row, "retailer_id") or text(row, "id"), title=text(row, "title")) for row in products
        ]
    elements = rows(payload, "elements") or rows(payload, "generic", "elements")
    cards = [
        Card(text(row, "title"), text(row, "subtitle"), buttons=_buttons(row))
        for row in elements
        if text(row, "title")
    ]
    if cards:
        return [Cards(cards)]
    buttons = _buttons(payload)
    if buttons:
        return [Choices(text(payload, "text") or title, buttons)]
    return [Unsupported(f"template:{text(payload, 'template_type')}"[:100], title)]


def _buttons(row: Any) -> list[Button]:
    return [
        Button(text(button, "payload"), text(button, "title"), url=text(button, "url"))
        for button in rows(row, "buttons")
        if text(button, "title")
    ]
