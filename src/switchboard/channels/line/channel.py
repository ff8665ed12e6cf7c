"""LINE's Messaging API: signed webhooks in; free replies by token first, push with a retry key afterwards."""

import base64
import hashlib
import hmac
from typing import Annotated, Any, ClassVar
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    Audio,
    BadSignature,
    Button,
    Card,
    Cards,
    Choices,
    Claim,
    Content,
    Image,
    Inbound,
    InDoubt,
    Io,
    Location,
    Outbound,
    Part,
    Profile,
    RawRequest,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Sent,
    Source,
    Sticker,
    Text,
    Video,
    decode,
    field,
    redact,
    secret,
)
from switchboard.channels.line.inbound import facts_of
from switchboard.channels.reading import text

API = "https://api.line.me"
DATA = "https://api-data.line.me"
STICKERS = "https://stickershop.line-scdn.net"
MEDIA_BYTES = 50_000_000
STICKER_BYTES = 1_000_000
ALT_TEXT = 400
LOADING_SECONDS = 10


class LineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One Messaging API channel of an Official Account."""

    channel_secret: Annotated[
        str,
        secret(
            "Channel secret",
            "Channel secret",
            "Basic settings → Channel secret.",
            "Basic settings 页的 Channel secret。",
        ),
    ]
    access_token: Annotated[
        str,
        secret(
            "Channel access token",
            "Channel access token",
            "Messaging API → Channel access token (long-lived).",
            "Messaging API 页的 Channel access token（长期有效）。",
        ),
    ]
    rich_menu_id: Annotated[
        str,
        field(
            "Default rich menu",
            "默认图文菜单",
            "Id of a rich menu that everybody shall see. Empty: as set at LINE.",
            "对所有用户显示的图文菜单（rich menu）ID。留空则沿用 LINE 后台的设置。",
        ),
    ] = ""


class LineChannel:
    """One Official Account."""

    config_type: ClassVar[type[msgspec.Struct]] = LineConfig

    def __init__(self, config: LineConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._base = io.platform_url("line", API)

    # -- coming in ---------------------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the signature: base64 of HMAC-SHA256 over the raw body with the channel secret."""
        mac = hmac.new(self._config.channel_secret.encode(), request.body, hashlib.sha256).digest()
        given = request.headers.get("x-line-signature", "")
        if not hmac.compare_digest(base64.b64encode(mac), given.encode("utf-8", "replace")):
            raise BadSignature("x-line-signature does not fit")

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one delivery; the console's test has none."""
        return facts_of(decode(request.body))

    # -- going out ---------------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Reply by token while it is fresh, else push. A reply has no retry key, so its doubt can't be settled by repeating."""
        said = [await self._message(part) for part in message.parts]
        if message.handle:
            try:
                answer = await self._call(
                    "POST", "/v2/bot/message/reply", {"replyToken": message.handle, "messages": said}
                )
            except InDoubt as doubt:
                raise InDoubt(str(doubt), code=doubt.code, repeatable=False) from None
            if answer.status == 200:
                return _sent(answer)
            if answer.status >= 500:
                raise InDoubt(
                    f"LINE had trouble with the reply ({answer.status})",
                    code=str(answer.status),
                    repeatable=False,
                )
            if not (answer.status == 400 and b"reply token" in answer.body.lower()):
                self._raise(answer)
        key = str(uuid5(NAMESPACE_URL, f"switchboard:{message.idempotency_key}"))
        answer = await self._call(
            "POST", "/v2/bot/message/push", {"to": message.to, "messages": said}, {"x-line-retry-key": key}
        )
        if answer.status not in (200, 409):  # 409: accepted by an earlier attempt
            self._raise(answer)
        return _sent(answer)

    async def _message(self, part: Part) -> dict[str, Any]:
        match part:
            case Text():
                return {"type": "text", "text": part.text}
            case Choices():
                return {
                    "type": "text",
                    "text": part.text,
                    "quickReply": {
                        "items": [{"type": "action", "action": _action(one)} for one in part.buttons]
                    },
                }
            case Location():
                return {
                    "type": "location",
                    "title": (part.name or "Location")[:100],
                    "address": (part.address or f"{part.latitude}, {part.longitude}")[:100],
                    "latitude": part.latitude,
                    "longitude": part.longitude,
                }
            case Cards():
                bubbles = [await self._bubble(card) for card in part.cards]
                words = " · ".join(card.title for card in part.cards)
                return {
                    "type": "flex",
                    "altText": words[:ALT_TEXT],
                    "contents": {"type": "carousel", "contents": bubbles},
                }
            case Image():
                url = await self._link(part)
                return {"type": "image", "originalContentUrl": url, "previewImageUrl": url}
            case Video():
                return {
                    "type": "video",
                    "originalContentUrl": await self._link(part),
                    "previewImageUrl": await self._link(part, poster=True),
                }
            case Sticker():
                package, _, number = part.key.partition(":")
                return {"type": "sticker", "packageId": package, "stickerId": number}
            case Audio():
                return {
                    "type": "audio",
                    "originalContentUrl": await self._link(part),
                    "duration": max(1000, int(part.duration * 1000)),
                }
            case _:
                raise Refused("LINE can't carry this kind of content.", code="unfit")

    async def _bubble(self, card: Card) -> dict[str, Any]:
        """Return a card as a Flex bubble: picture, words, buttons."""
        lines = [{"type": "text", "text": card.title, "weight": "bold", "size": "lg", "wrap": True}]
        if card.text:
            lines.append({"type": "text", "text": card.text, "size": "sm", "wrap": True})
        bubble: dict[str, Any] = {
            "type": "bubble",
            "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": lines},
        }
        if card.image is not None:
            bubble["hero"] = {
                "type": "image",
                "url": await self._link(card.image),
                "size": "full",
                "aspectRatio": "20:13",
                "aspectMode": "cover",
            }
        if card.buttons:
            buttons = [{"type": "button", "height": "sm", "action": _action(one)} for one in card.buttons]
            bubble["footer"] = {"type": "box", "layout": "vertical", "contents": buttons}
        return bubble

    async def _link(self, part: Image | Audio | Video, *, poster: bool = False) -> str:
        if part.file_id is None:
            raise Refused("The file to send is gone.", code="file_gone")
        file = await self._io.file(part.file_id)
        url = file.poster if poster else file.url
        # A stand-in on plain http may take plain http, too.
        if not url.startswith("https://" if self._base.startswith("https://") else ("https://", "http://")):
            raise Refused(
                "LINE fetches files by itself: this installation needs a public https address for that.",
                code="no_public_address",
            )
        return url

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None:
        """Show the loading animation while an agent types; LINE has no read mark without the customer's token."""
        del account, external_id
        if typing and to.startswith("U"):
            await self._call(
                "POST", "/v2/bot/chat/loading/start", {"chatId": to, "loadingSeconds": LOADING_SECONDS}
            )

    # -- the account -------------------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Return the bot that the token speaks for."""
        answer = await self._get("/v2/bot/info")
        found = answer.json()
        user = text(found, "userId")
        if not user:
            raise Refused("LINE named no account for this token.", code="no_account")
        return [Account(user, text(found, "displayName") or text(found, "basicId") or user)]

    async def register(self, webhook_url: str) -> None:
        """Tell LINE our address, and the rich menu that everybody shall see."""
        answer = await self._call("PUT", "/v2/bot/channel/webhook/endpoint", {"endpoint": webhook_url})
        if answer.status != 200:
            self._raise(answer)
        if self._config.rich_menu_id:
            menu = quote(self._config.rich_menu_id, safe="")
            answer = await self._call("POST", f"/v2/bot/user/all/richmenu/{menu}", None)
            if answer.status != 200:
                self._raise(answer)

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell when LINE calls another address than ours, or none."""
        found = (await self._get("/v2/bot/channel/webhook/endpoint")).json()
        code = words = ""
        if text(found, "endpoint") != webhook_url:
            code, words = "webhook_elsewhere", "LINE calls another webhook address than this installation's."
        elif not (isinstance(found, dict) and found.get("active") is True):
            code, words = "webhook_off", "Use webhook is switched off at LINE: no messages arrive."
        if not code:
            return []
        return [
            AccountChanged(account="", dedupe_key=f"check:{code}", status="amber", code=code, detail=words)
        ]

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a person up; who isn't a friend any more is nobody."""
        del account
        found = (await self._get(f"/v2/bot/profile/{quote(claim.value, safe='')}")).json()
        picture = text(found, "pictureUrl")
        return Profile(
            text(found, "displayName"),
            text(found, "language"),
            Source(url=picture) if picture.startswith("https://") else None,
        )

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download what a customer sent, or a sticker's picture by its key.

        LINE keeps files for a limited time and may still be preparing them; pictures of stickers lie on a server for everybody.
        """
        del account
        if ":" in source.ref:
            base, number = self._io.platform_url("line_stickers", STICKERS), source.ref.rpartition(":")[2]
            address = f"{base}/stickershop/v1/sticker/{quote(number, safe='')}/android/sticker.png"
            answer = await self._io.http.request("GET", address, max_bytes=STICKER_BYTES)
        elif source.url:
            answer = await self._io.http.request("GET", source.url, max_bytes=MEDIA_BYTES)
        else:
            base = self._io.platform_url("line_data", DATA)
            address = f"{base}/v2/bot/message/{quote(source.ref, safe='')}/content"
            answer = await self._io.http.request(
                "GET", address, headers=self._bearer(), max_bytes=MEDIA_BYTES
            )
        if answer.status == 202:
            raise Retry("LINE is still preparing the file.", after=3)
        if answer.status in (404, 410):
            raise Refused("LINE keeps this file no longer.", code=str(answer.status))
        if answer.status != 200:
            self._raise(answer)
        return Content("", answer.headers.get("content-type", "application/octet-stream"), answer.body)

    # -- asking LINE -------------------------------------------------------------------------------------------------

    def _bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._config.access_token}"}

    async def _get(self, path: str) -> Response:
        answer = await self._call("GET", path, None)
        if answer.status != 200:
            self._raise(answer)
        return answer

    async def _call(
        self, method: str, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> Response:
        return await self._io.http.request(
            method, f"{self._base}{path}", headers={**self._bearer(), **(headers or {})}, json=body
        )

    def _raise(self, answer: Response) -> None:
        """Turn an error answer into its outcome, in LINE's words."""
        try:
            said = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        words = redact(_words(said), [self._config.channel_secret, self._config.access_token])
        words = words or f"LINE answered {answer.status}"
        code = str(answer.status)
        if answer.status == 401:
            raise Reauthorise(words, code=code)
        if answer.status == 403:
            raise Reauthorise(words, code=code)
        if answer.status == 429 and "monthly limit" in words.lower():
            raise Refused(words, code="quota")
        if answer.status == 429 or answer.status >= 500:
            raise Retry(words, code=code, after=_after(answer))
        raise Refused(words, code=code, unreachable=answer.status == 404)


def _words(said: Any) -> str:
    """Return what LINE says is wrong, with the first detail: the message itself often says no more than how many there are."""
    found = said.get("details") if isinstance(said, dict) else None
    detail = found[0] if isinstance(found, list) and found else None
    where = f" ({text(detail, 'property')})" if text(detail, "property") else ""
    about = f": {text(detail, 'message')}{where}" if text(detail, "message") else ""
    return (text(said, "message") + about)[:300]


def _after(answer: Response) -> float | None:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdigit() and len(told) < 6 else None


def _action(button: Button) -> dict[str, Any]:
    """Return what a press does: open a page, or come back to us as a postback."""
    label = button.title[:20]
    if button.url:
        return {"type": "uri", "label": label, "uri": button.url}
    return {"type": "postback", "label": label, "data": button.id[:300], "displayText": button.title}


def _sent(answer: Response) -> Sent:
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Sent()
    messages = found.get("sentMessages") if isinstance(found, dict) else None
    return Sent(text(messages[0], "id")) if isinstance(messages, list) and messages else Sent()
