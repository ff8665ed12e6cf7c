"""What a WhatsApp customer does, as the webhooks that the product receives."""

import base64
import secrets
from typing import Any

from switchboard.sandbox.graph import hooks
from switchboard.sandbox.state import (
    Bubble,
    Chat,
    Customer,
    WhatsAppNumber,
    attachment,
    digits,
)
from switchboard.sandbox.web import Refused
from switchboard.sandbox.world import World

Json = dict[str, Any]
MEDIA_DAYS = 7
MEDIA_KINDS = {"image", "video", "audio", "voice", "document", "sticker"}
SILENT = {"edit", "revoke", "reaction"}
PREFERENCE = "user_preferences"
# Nothing that the customer said to us: no window is opened by it.
UNSAID = {PREFERENCE, "system"}


def new_id(customer: Customer) -> str:
    """A wamid: opaque, with the pair inside, as real ones."""
    return (
        "wamid."
        + base64.b64encode(b"\x1d\x15\x02\x00" + customer.phone.encode() + secrets.token_bytes(12)).decode()
    )


def play(world: World, number: WhatsAppNumber, customer: Customer, chat: Chat, wish: Json) -> Json:
    """One act of a customer as `{"message": …, "bubble": …}`; the state changes, nothing is sent yet."""
    now = world.clock.now()
    kind = str(wish.get("type") or "text")
    message: Json = {
        "id": wish.get("id") or new_id(customer),
        "timestamp": str(int(wish.get("at") or now)),
        "type": kind,
    }
    if customer.hides_phone:
        message["from_user_id"] = customer.user_id
    else:
        message = {"from": customer.phone, "from_user_id": customer.user_id, **message}
    bubble = Bubble(
        id=message["id"], side="customer", kind=kind, at=now, reply_to=str(wish.get("reply_to") or "")
    )
    content = _content(world, number, customer, chat, wish, bubble)
    message.update(content)
    _context(number, customer, chat, wish, message)
    message.update(wish.get("raw") or {})
    bubble.raw = message
    if kind not in SILENT:
        before = chat.last_inbound_at
        world.show(chat, bubble)
        if kind in UNSAID:
            chat.last_inbound_at = before
    else:
        chat.last_inbound_at = now
    return message


def _content(
    world: World, number: WhatsAppNumber, customer: Customer, chat: Chat, wish: Json, bubble: Bubble
) -> Json:
    kind = bubble.kind
    if kind in MEDIA_KINDS:
        return _media(world, number, wish, bubble)
    if kind == "text":
        bubble.text = str(wish.get("text") or "")
        return {"text": {"body": bubble.text}}
    if kind == "location":
        bubble.location = dict(wish.get("location") or {"latitude": 31.2304, "longitude": 121.4737})
        return {"location": bubble.location}
    if kind == "contacts":
        bubble.kind, bubble.cards = "contact", list(wish.get("contacts") or [])
        return {"contacts": bubble.cards}
    if kind == "press":
        return _press(chat, wish, bubble)
    if kind == "order":
        order = wish.get("order") or {"catalog_id": "1", "product_items": []}
        bubble.cards = [{"product": i.get("product_retailer_id", "")} for i in order.get("product_items", [])]
        bubble.text = str(order.get("text") or "")
        return {"order": order}
    if kind == PREFERENCE:
        return _preference(customer, wish, bubble)
    if kind == "system":
        return _system(world, customer, wish, bubble)
    if kind in {"unsupported", "unknown"}:
        error = {
            "code": 131051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        }
        return {"errors": [error]}
    return _about(chat, wish, bubble)


def _media(world: World, number: WhatsAppNumber, wish: Json, bubble: Bubble) -> Json:
    source = world.state.media.get(str(wish.get("file") or ""))
    if source is None:
        raise Refused(400, "file: give the key that POST /sandbox/media answered")
    media = world.store.keep(
        account=number.id,
        name=source.name,
        content_type=source.content_type,
        content=source.content,
        now=world.clock.now(),
        key=digits(16),
        expires_at=world.clock.now() + MEDIA_DAYS * 86400,
    )
    shown, kind = bubble.kind, "audio" if bubble.kind == "voice" else bubble.kind
    bubble.attachments = [attachment(media, shown)]
    bubble.text = str(wish.get("text") or "")
    file: Json = {
        "mime_type": media.content_type,
        "sha256": base64.b64encode(media.sha256).decode(),
        "id": media.key,
    }
    if bubble.text and kind in {"image", "video", "document"}:
        file["caption"] = bubble.text
    if kind == "document":
        file["filename"] = media.name
    if kind == "audio":
        file["voice"] = shown == "voice"
    if kind == "sticker":
        file["animated"] = bool(wish.get("animated"))
    return {"type": kind, kind: file}


def _press(chat: Chat, wish: Json, bubble: Bubble) -> Json:
    source = chat.find(str(wish.get("reply_to") or ""))
    button = next((b for b in source.buttons if b.id == wish.get("button")), None) if source else None
    if button is None:
        raise Refused(404, "that message has no such button")
    bubble.kind, bubble.text = "text", button.title
    if button.kind == "template":
        return {"type": "button", "button": {"payload": button.id, "text": button.title}}
    if button.kind == "row":
        row = {"id": button.id, "title": button.title}
        if button.description:
            row["description"] = button.description
        return {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": row}}
    if button.kind == "flow":
        reply = {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"' + button.id + '"}'}
        return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
    if button.kind == "location":
        bubble.kind, bubble.text = "location", ""
        bubble.location = dict(wish.get("location") or {"latitude": 31.2304, "longitude": 121.4737})
        return {"type": "location", "location": bubble.location}
    reply = {"id": button.id, "title": button.title}
    return {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": reply}}


def _system(world: World, customer: Customer, wish: Json, bubble: Bubble) -> Json:
    """The customer changed the phone number, or got another user id."""
    if wish.get("new_phone"):
        old, new = customer.phone, str(wish["new_phone"])
        world.store.new_customer({"id": customer.id, "phone": new})
        bubble.text = f"{customer.name} changed from {old} to {new}"
        return {"system": {"body": bubble.text, "wa_id": new, "type": "user_changed_number"}}
    new = str(wish.get("new_user_id") or "CN." + digits(16))
    bubble.text = f"User {customer.name} changed from {customer.user_id} to {new}"
    world.store.new_customer({"id": customer.id, "user_id": new})
    return {"system": {"body": bubble.text, "user_id": new, "type": "user_changed_user_id"}}


def _preference(customer: Customer, wish: Json, bubble: Bubble) -> Json:
    """The customer stops marketing messages, or wants them again: told in a field of its own, and no message."""
    value = str(wish.get("value") or "stop")
    if value not in {"stop", "resume"}:
        raise Refused(400, "value: stop or resume")
    bubble.kind, bubble.text = "system", f"{customer.name}: {value} marketing messages"
    return {"detail": f"User requested to {value} marketing messages", "value": value}


def stopped(chat: Chat) -> bool:
    """Whether the customer wants no marketing messages."""
    said = [b.raw["value"] for b in chat.bubbles if b.raw.get("type") == PREFERENCE]
    return said[-1:] == ["stop"]


def _about(chat: Chat, wish: Json, bubble: Bubble) -> Json:
    """Edit, revoke, reaction: acts about an earlier message."""
    target = chat.find(str(wish.get("target") or ""))
    if target is None:
        raise Refused(404, "target: there is no such message in this chat")
    if bubble.kind == "reaction":
        emoji = str(wish.get("emoji") or "")
        target.reactions.pop("customer", None)
        if emoji:
            target.reactions["customer"] = emoji
        return {"reaction": {"message_id": target.id, **({"emoji": emoji} if emoji else {})}}
    if target.side != "customer":
        raise Refused(400, "a customer can only change their own messages")
    if bubble.kind == "revoke":
        target.revoked = True
        return {"revoke": {"original_message_id": target.id}}
    if bubble.kind != "edit":
        raise Refused(400, f"WhatsApp has no message type {bubble.kind}")
    target.text, target.edited = str(wish.get("text") or ""), True
    inner: Json = {"type": target.raw.get("type", "text")}
    if inner["type"] == "text":
        inner["text"] = {"body": target.text}
    else:
        inner[inner["type"]] = {**target.raw[inner["type"]], "caption": target.text}
    if target.raw.get("context"):
        inner["context"] = target.raw["context"]
    return {"edit": {"original_message_id": target.id, "message": inner}}


def _context(number: WhatsAppNumber, customer: Customer, chat: Chat, wish: Json, message: Json) -> None:
    context: Json = {}
    source = chat.find(str(wish.get("reply_to") or ""))
    if source is not None:
        own = "".join(c for c in number.display_phone_number if c.isdigit())
        context = {"from": own if source.side == "business" else customer.phone, "id": source.id}
    if wish.get("forwarded"):
        context["forwarded"] = True
    if wish.get("product"):
        context["referred_product"] = wish["product"]
    if context:
        message["context"] = context
    if wish.get("referral"):
        message["referral"] = wish["referral"]


def deliver(world: World, number: WhatsAppNumber, played: list[tuple[Customer, Chat, Json]]) -> None:
    """Send what several customers did as one webhook (or one per customer where the list has one)."""
    contacts: dict[str, Json] = {}
    for customer, _, _ in played:
        current = world.state.customers[customer.id]
        contacts[customer.id] = hooks.sender(current)
    shared: Json = {"contacts": list(contacts.values())}
    messages = [message for _, _, message in played if message["type"] != PREFERENCE]
    wishes = [_told(message) for _, _, message in played if message["type"] == PREFERENCE]
    changes = [hooks.change(number, {**shared, "messages": messages})] if messages else []
    if wishes:
        changes.append(hooks.change(number, {**shared, PREFERENCE: wishes}, PREFERENCE))
    hooks.post(world, number, changes, played[0][1].key)


def _told(message: Json) -> Json:
    """One entry of `user_preferences[]`."""
    who = {"wa_id": message.get("from"), "user_id": message.get("from_user_id")}
    told = {name: message[name] for name in ("detail", "value")}
    return {
        **{name: value for name, value in who.items() if value},
        **told,
        "category": "marketing_messages",
        "timestamp": int(message["timestamp"]),
    }


def new_user_id(world: World, number: WhatsAppNumber, customer: Customer, wish: Json) -> None:
    """The customer's business-scoped id changed: field `user_id_update`."""
    old, new = customer.user_id, str(wish.get("new_user_id") or "CN." + digits(16))
    world.store.new_customer({"id": customer.id, "user_id": new})
    update: Json = {
        "detail": f"User id for {customer.name} has been updated.",
        "user_id": {"previous": old, "current": new},
        "timestamp": str(int(world.clock.now())),
    }
    if not customer.hides_phone:
        update["wa_id"] = customer.phone
    contact = hooks.sender(world.state.customers[customer.id])
    content = {"contacts": [contact], "user_id_update": [update]}
    hooks.post(
        world,
        number,
        [hooks.change(number, content, "user_id_update")],
        f"whatsapp:{number.id}:{customer.id}",
    )
