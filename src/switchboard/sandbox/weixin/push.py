"""Callbacks: signed and, where the account says so, encrypted; five seconds to answer, three deliveries at most."""

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from switchboard.sandbox.state import Chat, PlatformAccount
from switchboard.sandbox.web import Refused, Request, Response, Router, json_response
from switchboard.sandbox.webhooks import Call, Item, Outbox, Target
from switchboard.sandbox.weixin import crypto, markup
from switchboard.sandbox.world import World

Json = dict[str, Any]
Heard = Callable[[str], None]
Gone = Callable[[], None]
ANSWER_SECONDS = 5.0
DELIVERIES = 3


class Listening(Target, frozen=True):
    """A target whose answer is read."""

    heard: Heard


class TimedOutbox(Outbox):
    """An outbox that waits as long as Tencent does and hands the answer's text on."""

    async def _post(self, item: Item, target: Target) -> None:
        call = item.call
        call.attempts += 1
        wait = min(ANSWER_SECONDS, self._config.webhook_timeout_seconds)
        try:
            answer = await self._client.post(
                target.url, content=item.body, headers=target.headers, timeout=wait
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            call.status, call.error = 0, f"{type(error).__name__}: {error}"
            return
        call.status = answer.status_code
        call.done = answer.is_success
        call.error = "" if call.done else f"Wrong response from the webhook: {answer.status_code}"
        if call.done and isinstance(target, Listening):
            target.heard(answer.text)


class Delivery:
    """One callback on its way."""

    def __init__(
        self, account: PlatformAccount, content: Json, openid: str, heard: Heard | None, gone: Gone | None
    ) -> None:
        self.body, self._sealed, self._kind = dressed(account, content)
        self._account, self._openid = account, openid
        self._heard, self._gone = heard, gone
        self._tries = 0
        self._error = ""

    def target(self, body: bytes) -> Target | None:
        """Where it goes now, signed anew; None after the last try."""
        del body
        if not self._account.webhook_url or self._tries >= DELIVERIES:
            return None
        self._tries += 1
        url = addressed(self._account, self._sealed, self._openid)
        headers = {"content-type": self._kind, "user-agent": "Mozilla/4.0"}
        return Listening(url, headers, self._heard) if self._heard else Target(url, headers)

    def settled(self, call: Call) -> None:
        """How a try went."""
        if not call.gave_up:
            self._error = call.error
            return
        call.error = self._error or call.error
        if self._gone is not None and self._tries:
            self._gone()


class Pushes:
    """Sends what happened to the account's callback address."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(
        self,
        account: PlatformAccount,
        chat: Chat,
        content: Json,
        *,
        openid: str = "",
        heard: Heard | None = None,
        gone: Gone | None = None,
    ) -> None:
        """Tell the product; `heard` gets the answer's text, `gone` is called when the third delivery failed."""
        way = Delivery(account, content, openid, heard, gone)
        self._box(account).put(
            chat.key,
            way.body,
            way.target,
            platform=account.platform,
            account=account.id,
            settled=way.settled,
        )

    def _box(self, account: PlatformAccount) -> Outbox:
        # World makes plain outboxes; ours takes the place of this account's, so that waiting calls are counted and
        # forgotten with all others.
        boxes = self._world._outboxes
        if not isinstance(boxes.get(account.id), TimedOutbox):
            boxes[account.id] = TimedOutbox(self._world.config, self._world.client, self._world.calls)
        return boxes[account.id]


def dressed(account: PlatformAccount, content: Json) -> tuple[bytes, str, str]:
    """Body, its encrypted part ("" in plain mode) and content type, by the account's `mode` and `format`."""
    as_json = account.settings.get("format") == "json"
    kind = "application/json" if as_json else "text/xml"
    plain = msgspec.json.encode(content) if as_json else markup.write(content)
    mode = account.settings.get("mode", "safe")
    if mode == "plain":
        return plain, "", kind
    sealed = crypto.encrypt(str(account.settings["encoding_aes_key"]), plain, receiver(account))
    shell: Json = {"ToUserName": content["ToUserName"], "Encrypt": sealed}
    if account.platform == "wecom":
        shell["AgentID"] = ""
    whole = {**content, **shell} if mode == "compatible" else shell
    return (msgspec.json.encode(whole) if as_json else markup.write(whole)), sealed, kind


def receiver(account: PlatformAccount) -> str:
    """Who an encrypted text is for: app id or corp id, which are our account ids."""
    return account.id


def addressed(account: PlatformAccount, sealed: str, openid: str) -> str:
    """The callback address with its signatures."""
    token = str(account.settings["token"])
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    query: dict[str, str] = {}
    if account.platform != "wecom":
        query["signature"] = crypto.signature(token, timestamp, nonce)
    query |= {"timestamp": timestamp, "nonce": nonce}
    if openid:
        query["openid"] = openid
    if sealed:
        if account.platform != "wecom":
            query["encrypt_type"] = "aes"
        query["msg_signature"] = crypto.signature(token, timestamp, nonce, sealed)
    return _with(account.webhook_url, query)


def _with(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def plain_answer(account: PlatformAccount, text: str) -> Json:
    """A passive reply's elements, decrypted where it is sealed; Malformed or Unreadable where it is neither."""
    found = _read(text)
    sealed = found.get("Encrypt")
    if not sealed:
        if account.settings.get("mode", "safe") == "safe":
            raise markup.Malformed("a reply in safe mode is encrypted")
        return found
    words = str(found.get("TimeStamp", "")), str(found.get("Nonce", "")), str(sealed)
    if crypto.signature(str(account.settings["token"]), *words) != found.get("MsgSignature"):
        raise crypto.Unreadable("MsgSignature does not fit")
    opened = crypto.decrypt(str(account.settings["encoding_aes_key"]), str(sealed), receiver(account))
    return _read(opened.decode("utf-8", "replace"))


def _read(text: str) -> Json:
    """XML, or JSON where that is the account's format."""
    if not text.startswith("{"):
        return markup.read(text)
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise markup.Malformed(str(error)) from error


class Console:
    """Where a person enters the callback address: Tencent calls it before it keeps it."""

    def __init__(self, world: World, platform: str) -> None:
        self._world = world
        self._platform = platform

    def routes(self, router: Router) -> None:
        """Register; part of the sandbox's control API."""
        router.add("POST", f"/sandbox/{self._platform}/{{id}}/verify", self.verify)

    async def verify(self, request: Request, id: str) -> Response:  # noqa: A002
        """`{"url"}` (default: the present one) is called with an echostr and kept if the right answer comes."""
        account = self._world.state.accounts.get(id)
        if account is None or account.platform != self._platform:
            raise Refused(404, f"there is no such {self._platform} account")
        url = str(request.json().get("url") or account.webhook_url)
        reason = await self._shake(account, url)
        if reason:
            raise Refused(422, reason)
        account.webhook_url = url
        self._world.feed.publish("accounts")
        return json_response({"ok": True})

    async def _shake(self, account: PlatformAccount, url: str) -> str:
        """Why the address is refused; empty when it is fine."""
        token, echo = str(account.settings["token"]), str(secrets.randbelow(10**19))
        timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
        query = {"timestamp": timestamp, "nonce": nonce}
        if account.platform == "wecom":
            key = str(account.settings["encoding_aes_key"])
            sealed = crypto.encrypt(key, echo.encode(), receiver(account))
            query |= {
                "msg_signature": crypto.signature(token, timestamp, nonce, sealed),
                "echostr": sealed,
            }
        else:
            query |= {"signature": crypto.signature(token, timestamp, nonce), "echostr": echo}
        try:
            answer = await self._world.client.get(_with(url, query), timeout=ANSWER_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return f"the address cannot be called: {type(error).__name__}"
        if not answer.is_success or answer.text != echo:
            return f"the address answered {answer.status_code} and not the echostr"
        return ""
