"""What happened in WeCom's customer service: kept for three days, announced by callback, fetched with a cursor."""

import base64
import binascii
import secrets
from typing import Any

from switchboard.sandbox.state import Chat, PlatformAccount
from switchboard.sandbox.web import Response, json_response
from switchboard.sandbox.weixin.access import Asked
from switchboard.sandbox.weixin.errors import WeixinError
from switchboard.sandbox.weixin.push import Pushes
from switchboard.sandbox.world import World

Json = dict[str, Any]
KEPT_SECONDS = 3 * 86_400
TOKEN_SECONDS = 600
MOST_AT_ONCE = 1_000
MOST_KEPT = 10_000
MOST_TOKENS = 1_000


class Log:
    """Messages and events of all desks of a corp, in order."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self._world = world
        self._pushes = pushes

    def add(self, account: PlatformAccount, chat: Chat, desk: str, message: Json) -> None:
        """Keep one and call the product, with nothing but a token in the call."""
        now = self._world.clock.now()
        number = account.kept["counter"] = int(account.kept.get("counter", 0)) + 1
        log: list[Json] = account.kept.setdefault("log", [])
        log.append({"number": number, "at": now, "desk": desk, "message": message})
        del log[:-MOST_KEPT]
        tokens: dict[str, float] = account.kept.setdefault("sync_tokens", {})
        token = "ENC" + secrets.token_urlsafe(33)
        tokens[token] = now + TOKEN_SECONDS
        while len(tokens) > MOST_TOKENS:
            tokens.pop(next(iter(tokens)))
        told = {
            "ToUserName": account.id,
            "CreateTime": int(now),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": desk,
        }
        self._pushes.send(account, chat, told)

    async def sync(self, asked: Asked) -> Response:
        """`POST kf/sync_msg {cursor, token, limit, voice_format, open_kfid}`."""
        account, body = asked.account, asked.request.json()
        now = self._world.clock.now()
        desk = str(body.get("open_kfid") or "")
        if desk and desk not in desks(account):
            raise WeixinError(95000)
        limit = body.get("limit") or MOST_AT_ONCE
        if not isinstance(limit, int) or not 1 <= limit <= MOST_AT_ONCE:
            raise WeixinError(40058, "limit")
        if body.get("voice_format", 0) not in (0, 1):
            raise WeixinError(40058, "voice_format")
        self._admit(account, str(body.get("token") or ""), now)
        after = _number(str(body.get("cursor") or ""))
        waiting = [
            one
            for one in account.kept.get("log", [])
            if one["number"] > after and one["at"] > now - KEPT_SECONDS and desk in {"", one["desk"]}
        ]
        page = waiting[: min(limit, int(account.settings["page_limit"]))]
        reached = page[-1]["number"] if page else max(after, int(account.kept.get("counter", 0)))
        return json_response(
            {
                "errcode": 0,
                "errmsg": "ok",
                "next_cursor": _cursor(reached),
                "has_more": int(len(page) < len(waiting)),
                "msg_list": [one["message"] for one in page],
            }
        )

    def _admit(self, account: PlatformAccount, token: str, now: float) -> None:
        """A token of a callback opens at once; without one the calls are rationed."""
        if token:
            if account.kept.get("sync_tokens", {}).get(token, 0.0) <= now:
                raise WeixinError(95007)
            return
        burst = float(account.settings["untokened_burst"])
        if self._world.rate(f"sync:{account.id}", burst / 60, burst) > 0:
            raise WeixinError(45009)


def desks(account: PlatformAccount) -> list[str]:
    """Ids of the corp's customer-service accounts, the first of which is the one that the page shows."""
    return [str(one["open_kfid"]) for one in account.settings["kf_accounts"]]


def _cursor(number: int) -> str:
    return "4gw7" + base64.urlsafe_b64encode(f"{number:012d}".encode()).decode()


def _number(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.removeprefix("4gw7")))
    except (binascii.Error, ValueError) as error:
        raise WeixinError(40058, "cursor") from error
