"""A verified Weibo account in developer mode: messages and events in, answers within 48 hours out."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from switchboard.channels.api import (
    Account,
    AccountChanged,
    BadSignature,
    Card,
    Cards,
    Claim,
    Content,
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
    Reply,
    Response,
    Retry,
    Sent,
    Source,
    Text,
    field,
    redact,
    secret,
    secrets_of,
)
from switchboard.channels.reading import Json, number, text
from switchboard.channels.weibo.inbound import facts_of
from switchboard.channels.weibo.payloads import moment

MESSAGES, API, FILES = "https://m.api.weibo.com", "https://api.weibo.com", "https://upload.api.weibo.com"
FRESH_SECONDS = 300
LARGEST_MEDIA = 20_000_000
DAY_SECONDS = 86_400
WARN_DAYS = 14

# open.weibo.com/wiki/Error_code. Passing: trouble inside, busy, out of rate limit.
PASSING = {10001, 10002, 10003, 10009, 10010, 10011, 10022, 10023, 10024}
# Needs an administrator: token wrong, over, taken back; app without the right; wrong address of ours.
ADMINISTRATOR = {10004, 10005, 10014, *range(21301, 21304), *range(21314, 21320), 21321, 21327, 21332, 21501}


class WeiboConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One verified account and the fans' app that serves it."""

    app_secret: Annotated[
        str,
        secret(
            "App Secret",
            "应用 App Secret",
            "Of the fans' service app (粉丝服务类应用). Weibo signs its calls with it.",
            "粉丝服务类应用的 App Secret，微博用它对推送签名。",
        ),
    ]
    access_token: Annotated[
        str,
        secret(
            "Access token",
            "访问令牌（Access Token）",
            "Fans' service platform > advanced functions > developer mode. Good for a year.",
            "粉丝服务平台 > 高级功能 > 开发者模式页面中获取，有效期一年。",
        ),
    ]
    keep_in_outbox: Annotated[
        bool,
        field(
            "Keep answers in Weibo's message box",
            "回复保留在微博私信箱",
            "Off: answers from here are seen by the customer only.",
            "关闭后，从这里发出的回复不会出现在账号自己的微博私信箱中。",
        ),
    ] = True


class WeiboChannel:
    """Translates between Weibo's messages and our facts; holds no state."""

    config_type: ClassVar[type[msgspec.Struct]] = WeiboConfig

    def __init__(self, config: WeiboConfig, io: Io) -> None:
        self._config = config
        self._io = io
        self._messages = io.platform_url("weibo", MESSAGES)
        self._api = io.platform_url("weibo_api", API)
        self._files = io.platform_url("weibo_files", FILES)

    # -- coming in -----------------------------------------------------------------------------------------

    def verify(self, request: RawRequest) -> None:
        """Compare the signature: SHA-1 over secret, time and nonce in alphabetical order. The body is not covered."""
        query = request.query
        pieces = sorted([self._config.app_secret, query.get("timestamp", ""), query.get("nonce", "")])
        wanted = hashlib.sha1("".join(pieces).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        given = query.get("signature", "").encode("utf-8", "replace")
        if not query.get("nonce") or not hmac.compare_digest(wanted.encode(), given):
            raise BadSignature("signature does not fit time, nonce and App Secret")
        at = moment(query, "timestamp")
        if at is None or abs((request.received_at - at).total_seconds()) > FRESH_SECONDS:
            raise BadSignature("the time stamp is missing or more than five minutes off")

    def challenge(self, request: RawRequest) -> Reply:
        """Say `echostr` again when Weibo tries the address."""
        echo = request.query.get("echostr", "")
        if not echo:
            raise BadSignature("there is nothing to echo")
        self.verify(request)
        return Reply(body=echo.encode("utf-8", "replace"))

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one message or event; `account` is the user id of the verified account."""
        return facts_of(request.body)

    # -- going out -----------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Sent:
        """Answer somebody. Weibo names no id for what it took, so nothing can be reconciled later."""
        if len(message.parts) != 1:
            raise Refused("Weibo takes one thing at a time.", code="unfit")
        kind, data = await self._content(message.parts[0])
        form = {
            "type": kind,
            "data": json.dumps(data, ensure_ascii=False),
            "receiver_id": message.to,
            "save_sender_box": "1" if self._config.keep_in_outbox else "0",
        }
        said = await self._call(
            "POST", f"{self._messages}/2/messages/reply.json", form=self._with_token(form), message=True
        )
        if said.get("result") is False:
            raise Refused("Weibo did not take the message.", code="refused")
        return Sent(text(said, "id"))

    async def _content(self, part: Part) -> tuple[str, Json]:
        match part:
            case Text():
                return "text", {"text": part.text}
            case Location():
                return "position", {"longitude": f"{part.longitude:.6f}", "latitude": f"{part.latitude:.6f}"}
            case Cards():
                return "articles", {"articles": [await self._article(card) for card in part.cards]}
            case _:
                raise Refused(f"Weibo can't carry {type(part).__name__}.", code="unfit")

    async def _article(self, card: Card) -> dict[str, str]:
        """Return a card in Weibo's form, which has a picture and leads somewhere."""
        url = next((button.url for button in card.buttons if button.url), "")
        if card.image is None or card.image.file_id is None or not url:
            raise Refused("A card on Weibo needs a picture and a button with an address.", code="unfit")
        picture = (await self._io.file(card.image.file_id)).url
        if not picture.startswith("https://"):
            raise Refused(
                "Weibo fetches pictures by itself: this installation needs a public https address for that.",
                code="no_public_address",
            )
        return {"display_name": card.title, "summary": card.text, "image": picture, "url": url}

    async def fetch_media(self, account: str, source: Source) -> Content:
        """Download a picture or voice message."""
        del account
        if not source.ref:
            raise Refused("the message named no file")
        try:
            answer = await self._io.http.request(
                "GET",
                f"{self._files}/2/mss/msget",
                params=self._with_token({"fid": source.ref}),
                timeout=60,
                max_bytes=LARGEST_MEDIA,
            )
        except InDoubt as error:
            raise Retry(f"the download was not answered: {error}") from None
        mime = answer.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
        if answer.status != 200 or mime == "application/json":
            self._told(answer)
            raise Refused("Weibo does not give the file away.", code=str(answer.status))
        return Content("", mime, answer.body)

    async def fetch_profile(self, account: str, claim: Claim) -> Profile:
        """Look a follower up; Weibo tells nothing of others."""
        del account
        found = await self._call(
            "GET", f"{self._api}/2/eps/user/info.json", params=self._with_token({"uid": claim.value})
        )
        name = text(found, "nickname") or text(found, "name")
        if not name:
            raise Refused("Weibo tells of people only while they follow the account.", code="no_follower")
        picture = text(found, "headimgurl_large") or text(found, "headimgurl")
        places = {one: text(found, one) for one in ("city", "province", "country") if text(found, one)}
        return Profile(
            name,
            text(found, "language").replace("_", "-"),
            Source(url=picture) if picture.startswith("https://") else None,
            data={**places, "follows": text(found, "follow") == "1"},
        )

    # -- the account ---------------------------------------------------------------------------------------

    async def probe(self) -> list[Account]:
        """Ask whose token it is."""
        uid = text(await self._token_info(), "uid")
        if not uid:
            raise Refused("Weibo named no account for this token.", code="no_account")
        try:
            found = await self._call(
                "GET", f"{self._api}/2/users/show.json", params=self._with_token({"uid": uid})
            )
        except Refused:
            found = {}
        return [Account(uid, text(found, "screen_name") or uid)]

    async def check(self, webhook_url: str) -> list[AccountChanged]:
        """Tell two weeks ahead that the token ends: it can't be prolonged, only made anew."""
        del webhook_url
        found = await self._token_info()
        left = number(found, "expire_in")
        days = int(left // DAY_SECONDS) if left is not None and abs(left) < 10**12 else WARN_DAYS
        if days >= WARN_DAYS:
            return []
        words = f"The access token ends in {max(0, days)} days. Make a new one on the fans' service platform."
        return [
            AccountChanged(
                account=text(found, "uid"), dedupe_key=f"check:token:{days}", status="amber",
                code="token_ends_soon", detail=words, data={"days": days},
            )
        ]  # fmt: skip

    async def _token_info(self) -> Json:
        return await self._call("POST", f"{self._api}/oauth2/get_token_info", form=self._with_token({}))

    # -- asking Weibo --------------------------------------------------------------------------------------

    def _with_token(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"access_token": self._config.access_token, **more}

    async def _call(self, method: str, url: str, *, message: bool = False, **request: Any) -> Json:
        return self._told(await self._io.http.request(method, url, **request), message=message)

    def _told(self, answer: Response, *, message: bool = False) -> Json:
        """Return what an answer says, or raise what its error means, in Weibo's words."""
        status = str(answer.status)
        try:
            said = answer.json()
        except Retry:
            said = None
        code = int(min(number(said, "error_code") or 0, 10**9))
        words = redact(text(said, "error")[:300], secrets_of(self._config))
        words = f"Weibo: {words}" if words else f"Weibo answered {status}"
        if code in ADMINISTRATOR or (not code and answer.status == 401):
            raise Reauthorise(words, code=str(code or status))
        if code in PASSING or (not code and (answer.status == 429 or answer.status >= 500)):
            raise Retry(words, code=str(code or status), after=_after(answer))
        if code or answer.status >= 300:
            raise Refused(words, code=str(code or status))
        if not isinstance(said, dict):
            unread = InDoubt if message else Retry
            raise unread("Weibo's answer could not be read", code=status)
        return said


def _after(answer: Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None
