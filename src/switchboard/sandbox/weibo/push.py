"""What Weibo posts to the account's address: signed in the query, as JSON or in WeChat's XML, repeated three times; the answer
may hold a reply."""

import asyncio
import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec

from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.webhooks import Call
from switchboard.sandbox.world import World

Json = dict[str, Any]
NAME = "weibo"
ATTEMPTS = 4
SECONDS = 5.0
TIME_ZONE_SECONDS = 8 * 3600
TAGS = {
    "subtype": "Event", "key": "EventKey", "ticket": "Ticket", "tovfid": "MediaId", "latitude": "Location_X",
    "longitude": "Location_Y",
}  # fmt: skip


def signature(secret: str, timestamp: str, nonce: str) -> str:
    """Return hex of SHA-1 over secret, time and nonce in alphabetical order."""
    return hashlib.sha1("".join(sorted([secret, timestamp, nonce])).encode()).hexdigest()  # noqa: S324 (Weibo's choice)


def signed(account: PlatformAccount, **more: str) -> dict[str, str]:
    """Return the query that proves a call; the time is in milliseconds."""
    timestamp, nonce = str(int(time.time() * 1000)), str(secrets.randbelow(10**8))
    secret = str(account.settings["app_secret"])
    if account.settings["flaw"] == "signature":
        secret += "x"
    mark = signature(secret, timestamp, nonce)
    return {"signature": mark, "timestamp": timestamp, "nonce": nonce, **more}


def written(at: float) -> str:
    """Return a time as Weibo writes it: `Mon Jul 16 18:09:20 +0800 2012`."""
    return time.strftime("%a %b %d %H:%M:%S +0800 %Y", time.gmtime(at + TIME_ZONE_SECONDS))


def as_xml(message: Json, at: float) -> bytes:
    """Return a message in the form of WeChat's, for accounts that have chosen it."""
    kind = {"position": "location"}.get(message["type"], message["type"])
    fields: Json = {
        "ToUserName": message["receiver_id"], "FromUserName": message["sender_id"], "CreateTime": int(at), "MsgType": kind,
    }  # fmt: skip
    if kind in {"text", "mention"}:
        fields["Content"] = message["text"]
    if kind == "voice":
        fields["Format"] = "amr"
    if kind == "location":
        fields.update(Scale=20, Label=message["text"])
    fields.update({TAGS[name]: value for name, value in message["data"].items() if name in TAGS})
    if kind != "event":
        fields["MsgId"] = secrets.randbelow(10**16)
    inner = "".join(f"<{tag}>{_value(value)}</{tag}>" for tag, value in fields.items())
    return f"<xml>{inner}</xml>".encode()


def _value(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "<![CDATA[" + str(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"


class Pushes:
    """The waiting messages by account, in order. `replied` hears what an answer says to the customer."""

    def __init__(self, world: World, replied: Callable[[PlatformAccount, Json], None]) -> None:
        self._world = world
        self._replied = replied
        self._waiting: dict[str, deque[tuple[Json, float]]] = {}

    def put(self, account: PlatformAccount, message: Json, at: float) -> None:
        """Post a message after those that wait."""
        queue = self._waiting.get(account.id)
        if queue is not None:
            if len(queue) < self._world.config.updates_limit:
                queue.append((message, at))
            return
        self._waiting[account.id] = deque([(message, at)])
        self._world.spawn(self._drain(account))

    async def _drain(self, account: PlatformAccount) -> None:
        queue = self._waiting[account.id]
        while queue:
            message, at = queue.popleft()
            in_xml = account.settings["format"] == "xml"
            body = as_xml(message, at) if in_xml else msgspec.json.encode(message)
            call = self._world.calls.begin(NAME, account.id, body)
            await self._deliver(account, call, body, "text/xml" if in_xml else "application/json")
        del self._waiting[account.id]

    async def _deliver(self, account: PlatformAccount, call: Call, body: bytes, kind: str) -> None:
        pause = self._world.config.retry_first_seconds
        while account.webhook_url and not call.done and call.attempts < ATTEMPTS:
            if call.attempts:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._world.config.retry_longest_seconds)
            call.attempts += 1
            url = httpx.URL(account.webhook_url).copy_merge_params(signed(account))
            try:
                answer = await self._world.client.post(
                    url, content=body, headers={"content-type": f"{kind}; charset=utf-8"}, timeout=SECONDS
                )
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                call.status, call.error = 0, f"{type(error).__name__}: {error}"
                continue
            call.status, call.done = answer.status_code, answer.is_success
            call.error = "" if call.done else f"Wrong response from the webhook: {answer.status_code}"
            if call.done:
                self._answered(account, answer)
        call.gave_up = not call.done

    def _answered(self, account: PlatformAccount, answer: httpx.Response) -> None:
        try:
            said = answer.json()
            if isinstance(said, dict) and said.get("result") and said.get("type"):
                self._replied(account, {**said, "data": msgspec.json.decode(unquote(str(said["data"])))})
        except (ValueError, KeyError, msgspec.DecodeError):
            return


async def try_address(world: World, account: PlatformAccount) -> bool:
    """Do what the console does when the address is saved: it has to say `echostr` again."""
    echo = secrets.token_hex(12)
    try:
        url = httpx.URL(account.webhook_url).copy_merge_params(signed(account, echostr=echo))
        answer = await world.client.get(url, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False
    return answer.status_code == 200 and answer.text == echo
