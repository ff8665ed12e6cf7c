"""The documented webhook pair: the partner posts to us, we post to the partner, both signed alike."""

import base64
import time
from collections.abc import Callable
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote, urlsplit

import msgspec

from switchboard.channels.api import (
    Account,
    Audio,
    BadSignature,
    Choices,
    ContactCard,
    Content,
    File,
    Image,
    Inbound,
    Io,
    Location,
    Outbound,
    Part,
    RawRequest,
    Reauthorise,
    Refused,
    Response,
    Retry,
    Sent,
    Source,
    Text,
    Video,
    decode,
    field,
    redact,
    secret,
)
from switchboard.channels.custom.inbound import Partner, facts_of
from switchboard.channels.custom.payloads import (
    AudioPart,
    ButtonOut,
    ChoicesPart,
    ContactPart,
    FilePart,
    ImagePart,
    MessageOut,
    Outgoing,
    PartOut,
    PlacePart,
    TextPart,
    VideoPart,
)
from switchboard.channels.custom.signature import HEADER, check, sign

MEDIA_BYTES = 25_000_000
_FILES: dict[type[Part], type[ImagePart | AudioPart | VideoPart | FilePart]] = {
    Image: ImagePart,
    Audio: AudioPart,
    Video: VideoPart,
    File: FilePart,
}


class CustomConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One partner system."""

    system_id: Annotated[
        str,
        msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$"),
        field(
            "System id",
            "系统标识",
            "A short name of the other system: small letters, digits, hyphens. It can't be changed later.",
            "对方系统的简短标识：小写字母、数字、连字符。保存后不可更改。",
        ),
    ]
    name: Annotated[str, field("Name", "名称", "Shown to agents.", "显示给坐席的名称。")] = ""
    signing_secret: Annotated[
        str,
        field(
            "Signing secret",
            "签名密钥",
            "Both sides sign with it. Filled in for you; copy it into the other system.",
            "双方都用它签名。系统会自动生成，请复制到对方系统。",
            **{"x-secret": True, "x-generated": True},
        ),
    ] = ""
    previous_secret: Annotated[
        str,
        secret(
            "Previous signing secret",
            "旧签名密钥",
            "While you change the secret: still accepted, and our requests are signed with both.",
            "更换密钥期间填写：旧密钥仍被接受，我们的请求会同时用两个密钥签名。",
        ),
    ] = ""
    send_url: Annotated[
        str,
        msgspec.Meta(pattern=r"^(https?://\S+)?$"),
        field(
            "Address for answers",
            "回复地址",
            "Where we post the agents' answers. Empty: messages only come in.",
            "坐席的回复将发送到这里。留空则只接收、不发送。",
        ),
    ] = ""
    trusted_identities: Annotated[
        bool,
        field(
            "Phone numbers and e-mail addresses are verified",
            "手机号和邮箱已经过验证",
            "Switch on only if the other system has checked that they belong to the person; "
            "they then join a customer's conversations on other channels.",
            "仅当对方系统已确认手机号和邮箱属于本人时才开启；开启后会与该客户在其他渠道的会话合并。",
        ),
    ] = False


class CustomChannel:
    """Speaks the pair for one partner system, which is also its only account."""

    config_type: ClassVar[type[msgspec.Struct]] = CustomConfig

    def __init__(self, config: CustomConfig, io: Io, now: Callable[[], float] = time.time) -> None:
        # Signatures carry the time, so this adapter needs a clock; it is an argument like everything else.
        self._config = config
        self._io = io
        self._now = now
        self._keys = [key for key in (config.signing_secret, config.previous_secret) if key]

    def verify(self, request: RawRequest) -> None:
        """Check signature and age; several signatures may stand in the header while a secret is changed."""
        header = request.headers.get(HEADER.lower(), "")
        if not header:
            raise BadSignature("the request isn't signed")
        check(header, self._keys, request.body, request.received_at)

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of all lists in the body."""
        partner = Partner(self._config.system_id, self._config.trusted_identities)
        return facts_of(decode(request.body), partner)

    async def send(self, message: Outbound) -> Sent:
        """Post one message; the partner knows a repeated one by its id."""
        out = MessageOut(
            id=message.idempotency_key,
            to=message.to,
            parts=[await self._part(part) for part in message.parts],
            room=message.slot.removeprefix("group:") if message.slot.startswith("group:") else "",
            reply_to=message.reply_to,
        )
        answer = await self._post(Outgoing([out]))
        return Sent(_first_id(answer) or message.idempotency_key)

    async def probe(self) -> list[Account]:
        """Post an empty list where there is an address to post to."""
        if self._config.send_url:
            await self._post(Outgoing([]))
        return [Account(self._config.system_id, self._config.name or self._config.system_id)]

    async def fetch_media(self, account: str, source: Source) -> Content:  # noqa: ARG002
        """Download an attachment from the address that the partner named."""
        response = await self._io.http.request("GET", source.url, timeout=60, max_bytes=MEDIA_BYTES)
        if response.status != 200:
            raise self._failure(response)
        name = unquote(urlsplit(source.url).path).rsplit("/", 1)[-1]
        mime = response.headers.get("content-type", "").partition(";")[0].strip()
        return Content(name or "file", mime or "application/octet-stream", response.body)

    async def _part(self, part: Part) -> PartOut:
        match part:
            case Text(text=text):
                return TextPart(text)
            case Location():
                return PlacePart(part.latitude, part.longitude, part.name or None, part.address or None)
            case ContactCard():
                return ContactPart(part.name, part.phones, part.emails, part.organisation)
            case Choices():
                buttons = [ButtonOut(one.id, one.title, one.description, one.url) for one in part.buttons]
                return ChoicesPart(part.text, buttons, part.style, part.button)
            case Image() | Audio() | Video() | File() if part.file_id:
                content = await self._io.file(part.file_id)
                return _FILES[type(part)](
                    name=content.name or part.name,
                    mime=content.mime,
                    size=len(content.data),
                    caption=part.caption,
                    url=content.url,
                    data="" if content.url else base64.b64encode(content.data).decode(),
                )
            case _:
                raise Refused(
                    f"A {part.__struct_config__.tag} can't be sent on this channel.", code="unsupported"
                )

    async def _post(self, body: Outgoing) -> Any:
        if not self._config.send_url:
            raise Refused("This channel has no address for answers; messages only come in.", code="address")
        if not self._keys:
            raise Reauthorise("This channel has no signing secret.", code="secret")
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json", HEADER: sign(self._keys, int(self._now()), content)}
        response = await self._io.http.request(
            "POST", self._config.send_url, headers=headers, content=content, max_bytes=1_000_000
        )
        if 200 <= response.status < 300:
            return _json(response)
        raise self._failure(response)

    def _failure(self, response: Response) -> Exception:
        """Return the outcome for an error answer, in the partner's words where it has some."""
        words, code = _words(_json(response))
        text = redact(words, self._keys)[:300] or f"The other system answered {response.status}."
        code = redact(code, self._keys)[:60] or str(response.status)
        match response.status:
            case 401 | 403:
                return Reauthorise(text, code=code)
            case 429:
                after = response.headers.get("retry-after", "")
                known = after.isascii() and after.isdecimal() and len(after) < 6
                return Retry(text, code=code, after=float(after) if known else None)
            case 408 | 425:
                return Retry(text, code=code)
            case status if status >= 500:
                return Retry(text, code=code)
            case _:
                return Refused(text, code=code, unreachable=response.status == 410)


def _json(response: Response) -> Any:
    try:
        return msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _first_id(answer: Any) -> str:
    """Return the partner's id of the message from `{"ids": ["…"]}`; empty when it gave none."""
    ids = answer.get("ids") if isinstance(answer, dict) else None
    first = ids[0] if isinstance(ids, list) and ids else None
    if isinstance(first, bool) or not isinstance(first, str | int):
        return ""
    return str(first)[:200]


def _words(answer: Any) -> tuple[str, str]:
    """Return words and code from `{"error": {"message", "code"}}` or `{"error": "words"}`."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    words, code = error.get("message"), error.get("code")
    return (words if isinstance(words, str) else ""), (code if isinstance(code, str) else "")
