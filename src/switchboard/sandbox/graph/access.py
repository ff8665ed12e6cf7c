"""Which numbers, accounts and files the access token of a request opens."""

import hmac

from switchboard.sandbox.graph.errors import GraphError, no_such_object
from switchboard.sandbox.state import Media, WhatsAppNumber
from switchboard.sandbox.web import Request
from switchboard.sandbox.world import World


class Access:
    """Base of the handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def mine(self, request: Request) -> list[WhatsAppNumber]:
        """Numbers that the request's token may use."""
        token = request.bearer
        if not token:
            raise GraphError(190, "An access token is required to request this resource.")
        numbers = [n for n in self.world.state.numbers.values() if hmac.compare_digest(n.token, token)]
        if not numbers:
            raise GraphError(190)
        return numbers

    def number(self, request: Request, number_id: str) -> WhatsAppNumber:
        for number in self.mine(request):
            if number.id == number_id:
                return number
        raise no_such_object(number_id, request.method)

    def account(self, request: Request, waba_id: str) -> list[WhatsAppNumber]:
        numbers = [n for n in self.mine(request) if waba_id in {n.waba_id, n.app_id}]
        if not numbers:
            raise no_such_object(waba_id, request.method)
        return numbers

    def media(self, request: Request, media_id: str) -> Media:
        media = self.world.state.media.get(media_id)
        owners = {n.id for n in self.mine(request)}
        asked = request.query.get("phone_number_id")
        gone = media is not None and media.expires_at and media.expires_at < self.world.clock.now()
        if media is None or media.account not in owners or gone or (asked and asked != media.account):
            raise no_such_object(media_id, request.method)
        return media
