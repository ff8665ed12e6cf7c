"""The WhatsApp channel: one business account (WABA), one webhook address, one channel per phone number."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    ApprovedTemplate,
    Content,
    Inbound,
    Io,
    Outbound,
    Outcome,
    RawRequest,
    Reply,
    Sent,
    Source,
    field,
    secret,
    secrets_of,
)
from switchboard.channels.families.meta import VerifyToken, greet, prove
from switchboard.channels.families.meta_health import aging
from switchboard.channels.reading import obj
from switchboard.channels.whatsapp.graph import Graph
from switchboard.channels.whatsapp.inbound import facts
from switchboard.channels.whatsapp.outbound import body_of
from switchboard.channels.whatsapp.standing import at_a_glance
from switchboard.channels.whatsapp.templates import approved

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")


class Config(msgspec.Struct, frozen=True):
    """The credentials of one Meta app and one WhatsApp Business Account."""

    waba_id: Annotated[
        str,
        field(
            "WhatsApp Business Account ID",
            "WhatsApp Business 账户编号",
            "Shown in Meta's app dashboard under WhatsApp > API Setup.",
            "在 Meta 应用后台的“WhatsApp > API 设置”页面可以看到。",
        ),
        msgspec.Meta(pattern="^[0-9]+$"),
    ]
    access_token: Annotated[
        str,
        secret(
            "Access token",
            "访问令牌",
            "Permanent token of a system user: whatsapp_business_messaging, whatsapp_business_management.",
            "系统用户的永久令牌，需要 whatsapp_business_messaging 与 whatsapp_business_management 权限。",
        ),
    ]
    app_secret: Annotated[
        str,
        secret(
            "App secret",
            "应用密钥",
            "App settings > Basic. Proves that webhooks come from Meta.",
            "在“应用设置 > 基本”页面查看，用于确认回调确实来自 Meta。",
        ),
    ]
    verify_token: VerifyToken


class WhatsAppChannel:
    """Translates between Graph's JSON and our facts; holds no state."""

    config_type = Config

    def __init__(self, config: Config, io: Io) -> None:
        self._config = config
        self._io = io
        self._graph = Graph(io, config.access_token, secrets_of(config))

    def verify(self, request: RawRequest) -> None:
        """Check the HMAC-SHA256 of the raw body; the older SHA-1 header is never accepted."""
        prove(request, self._config.app_secret)

    def challenge(self, request: RawRequest) -> Reply:
        """Answer Meta's verification of the callback address."""
        return greet(request, self._config.verify_token)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one webhook; `account` is the phone number id, or the WABA id in news of the
        account.
        """
        return facts(request.body)

    async def send(self, message: Outbound) -> Sent:
        """Send one message; media is uploaded first, which the customer doesn't notice."""
        path = f"{message.account}/messages"
        return await self._graph.send(path, await body_of(message, self._graph, self._io))

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:  # noqa: ARG002
        """Put blue ticks on a message and, on wish, show that we are typing (for 25 seconds at most)."""
        body: dict[str, object] = {
            "messaging_product": "whatsapp", "status": "read", "message_id": external_id,
        }  # fmt: skip
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._graph.call("POST", f"{account}/messages", json=body)

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download a file by its media id: Graph gives an address that lives five minutes, then the bytes."""
        return await self._graph.download(account, source.ref)

    async def probe(self) -> list[Account]:
        """List the phone numbers of the business account; each becomes a channel."""
        return [
            Account(external_id=number_id, name=name)
            for number_id, name in await self._graph.phone_numbers(self._config.waba_id)
        ]

    async def list_templates(self, account: str) -> list[ApprovedTemplate]:
        """Return the templates that all numbers of the business account share."""
        del account
        return await approved(self._graph, self._config.waba_id)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Ask whether our app is subscribed with our address, how the numbers stand, how long the token lives."""
        waba = self._config.waba_id
        apps = await self._graph.call("GET", f"{waba}/subscribed_apps")
        shown = {"fields": "id,display_phone_number,quality_rating,status", "limit": "100"}
        numbers = await self._graph.call("GET", f"{waba}/phone_numbers", params=shown)
        return [*at_a_glance(apps, numbers, webhook_url), *await self._token_news()]

    async def _token_news(self) -> list[AccountChanged]:
        try:
            asked = {"input_token": self._config.access_token}
            told = await self._graph.call("GET", "debug_token", params=asked)
        except Outcome:
            # Who may not ask learns nothing: whether the token is good, the other calls say.
            return []
        return aging(obj(told, "data"), SCOPES, datetime.now(UTC))

    async def register(self, webhook_url: str) -> None:
        """Subscribe the app to the business account and let its webhooks come to our address."""
        body = {"override_callback_uri": webhook_url, "verify_token": self._config.verify_token}
        await self._graph.call("POST", f"{self._config.waba_id}/subscribed_apps", json=body)
