"""`POST /{phone_number_id}/messages`: send, mark as read, show typing."""

from typing import Any

from switchboard.sandbox.graph import hooks, incoming, outgoing
from switchboard.sandbox.graph.access import Access
from switchboard.sandbox.graph.errors import GraphError
from switchboard.sandbox.graph.outgoing import Draft
from switchboard.sandbox.state import Bubble, Chat, Customer, Media, WhatsAppNumber, attachment
from switchboard.sandbox.web import Request, Response, json_response
from switchboard.sandbox.world import FetchFailed, after, before

Json = dict[str, Any]


class Sending(Access):
    """The one endpoint through which everything reaches a customer."""

    async def messages(self, request: Request, id: str) -> Response:  # noqa: A002
        """Send, mark as read, show typing."""
        number = self.number(request, id)
        body = request.json()
        reading = body.get("status") == "read"
        fault = self.world.faults.take("whatsapp", id, sends=not reading)
        early = await before(fault)
        if early is not None:
            return early
        if fault is not None and fault.kind == "error":
            raise GraphError(fault.code)
        if body.get("messaging_product") != "whatsapp":
            raise GraphError(100, "(#100) The parameter messaging_product is required.")
        if reading:
            self._mark_read(number, body)
            return after(fault, json_response({"success": True}))
        draft = outgoing.read(body)
        customer, named = self._recipient(number, body)
        chat = self.world.store.chat("whatsapp", number.id, customer.id)
        failure = self._admit(number, customer, chat, draft)
        if fault is not None and fault.kind == "status":
            failure = GraphError(fault.code)
        message_id = incoming.new_id(customer)
        self.world.note(
            message_id=message_id,
            platform="whatsapp",
            account=number.id,
            to=customer.phone or customer.user_id,
            kind=draft.kind,
            text=draft.text,
            body=body,
            fault=fault,
        )
        self._show(number, chat, draft, message_id, body, failure)
        contact: Json = {"input": named, "user_id": customer.user_id}
        if body.get("to"):
            contact = {"input": named, "wa_id": customer.phone}
        answer = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message_id}]}
        if draft.kind == "template":
            answer["messages"] = [{"id": message_id, "message_status": "accepted"}]
        return after(fault, json_response(answer))

    def _recipient(self, number: WhatsAppNumber, body: Json) -> tuple[Customer, str]:
        """Who it is for and how the caller named them; an unknown number becomes a new customer."""
        store = self.world.store
        if body.get("recipient_type", "individual") != "individual":
            raise GraphError(131009, "recipient_type must be individual")
        if body.get("to"):
            named = str(body["to"])
            phone = "".join(c for c in named if c.isdigit())
            if not 7 <= len(phone) <= 15:
                raise GraphError(131009, "to is not a phone number")
            if phone == "".join(c for c in number.display_phone_number if c.isdigit()):
                raise GraphError(131021)
            if number.recipients and phone not in number.recipients:
                raise GraphError(131030)
            return store.customer_by_phone(phone) or store.new_customer({"phone": phone}), named
        named = str(body.get("recipient") or "")
        if not named:
            raise GraphError(100, "(#100) The parameter to is required.")
        customer = store.customer_by_user_id(named)
        if customer is None:
            raise GraphError(131009, "recipient is not a known user id")
        return customer, named

    def _admit(
        self, number: WhatsAppNumber, customer: Customer, chat: Chat, draft: Draft
    ) -> GraphError | None:
        """Raise what is refused at once; return what will fail later."""
        if number.rates:
            if self.world.rate(f"wa:{number.id}", number.per_second, number.per_second):
                raise GraphError(130429)
            if self.world.rate(f"wa:{number.id}:{customer.id}", 1 / 6, 45):
                raise GraphError(131056)
        outside = self.world.clock.now() - chat.last_inbound_at > hooks.WINDOW_SECONDS
        if outside and draft.kind != "template" and number.window != "off":
            if number.window == "refuse":
                raise GraphError(131047)
            return GraphError(131047)
        if draft.media_id:
            media = self.world.state.media.get(draft.media_id)
            if media is None or media.account != number.id:
                raise GraphError(131009, f"media id {draft.media_id} does not exist")
            if draft.kind in {"image", "video", "document", "sticker"} and draft.kind not in {
                kind_of(media),
                "document",
            }:
                return GraphError(131053, f"the file is {media.content_type}, not a {draft.kind}")
        if draft.marketing and incoming.stopped(chat):
            return GraphError(131050)
        return GraphError(131026) if chat.blocked else None

    def _show(
        self,
        number: WhatsAppNumber,
        chat: Chat,
        draft: Draft,
        message_id: str,
        body: Json,
        failure: GraphError | None,
    ) -> None:
        world = self.world
        if draft.kind == "reaction":
            target = chat.find(draft.target)
            if target is None:
                failure = failure or GraphError(131009, "reaction.message_id is not known")
            else:
                target.reactions.pop("business", None)
                if draft.text:
                    target.reactions["business"] = draft.text
                world.changed(chat, target)
            return
        context = body.get("context")
        context = context if isinstance(context, dict) else {}
        bubble = Bubble(
            id=message_id,
            side="business",
            kind=draft.kind,
            at=world.clock.now(),
            text=draft.text,
            title=draft.title,
            footer=draft.footer,
            location=draft.location,
            cards=draft.cards,
            buttons=draft.buttons,
            reply_to=str(context.get("message_id") or ""),
            raw=body,
        )
        if draft.media_id:
            bubble.attachments = [attachment(world.state.media[draft.media_id], draft.kind)]
        if failure is None or failure.code != 131026:
            world.show(chat, bubble)
        else:
            chat.bubbles.append(bubble)
        world.spawn(self._finish(number, chat, bubble, draft, failure))

    async def _finish(
        self, number: WhatsAppNumber, chat: Chat, bubble: Bubble, draft: Draft, failure: GraphError | None
    ) -> None:
        for link in filter(None, [draft.link, *draft.links] if failure is None else []):
            try:
                media = await self.world.fetch(link, number.id)
            except FetchFailed as error:
                failure = GraphError(131052, f"Media download error: {error}")
                break
            shown = attachment(media, kind_of(media) if draft.links else draft.kind)
            shown.name = draft.file_name or shown.name
            bubble.attachments = [*bubble.attachments, shown]
            self.world.changed(chat, bubble)
        await hooks.settle(self.world, number, chat, bubble, failure)

    def _mark_read(self, number: WhatsAppNumber, body: Json) -> None:
        found = self.world.store.find("whatsapp", number.id, str(body.get("message_id") or ""))
        if found is None or found[1].side != "customer":
            raise GraphError(100, "(#100) Invalid parameter: message_id")
        chat, last = found
        for bubble in chat.bubbles:
            if bubble.side == "customer" and bubble.status != "read":
                bubble.status = "read"
                self.world.changed(chat, bubble)
            if bubble is last:
                break
        if body.get("typing_indicator"):
            self.world.typing(chat)


def kind_of(media: Media) -> str:
    """What a file can be sent as."""
    if media.content_type == "image/webp":
        return "sticker"
    major = media.content_type.partition("/")[0]
    return major if major in {"image", "video", "audio"} else "document"
