"""Weibo's interfaces for a verified account: answers, files, followers, the token."""

from typing import Any
from urllib.parse import unquote

import msgspec

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.state import Bubble, Chat, Customer, PlatformAccount
from switchboard.sandbox.web import Refused, Request, Response, json_response
from switchboard.sandbox.weibo.push import NAME
from switchboard.sandbox.world import World, after, before

Json = dict[str, Any]
WORDS = {
    10001: "system error",
    10002: "service unavailable",
    10006: "source paramter (appkey) is missing",
    10008: "param error, see doc for more info",
    10014: "insufficient app permissions",
    10016: "miss required parameter, see doc for more info",
    10022: "IP requests out of rate limit",
    10023: "user requests out of rate limit",
    20003: "User does not exists",
    20012: "text too long, please input text less than 300 characters",
    20016: "out of limit",
    20301: "can not send direct message to a user who is not your follower",
    21314: "token has been used",
    21317: "token rejected",
    21327: "expired token",
    21332: "invalid_access_token",
}
CODES = (10023, 10001, 10002, 10022, 20301, 20016, 21327, 21332, 10014)
STATUS = {10001: 500, 10002: 503, 10022: 403, 10023: 403, 10014: 403, 21327: 403, 21332: 403, 21317: 403}
LONGEST = 300
MOST_ARTICLES = 8
YEAR_SECONDS = 365 * 86_400
HOURS = {"message": 48, "click": 48, "scan": 48, "follow": 48, "mention": 48}
ONCE = {"mention"}


class WeiboError(Exception):
    """A refusal as Weibo words it."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(str(code))
        self.code = code
        self.detail = detail

    def response(self, request: Request) -> Response:
        """The HTTP answer."""
        words = WORDS.get(self.code, f"error {self.code}")
        told = {"error": f"{words} {self.detail}".strip(), "error_code": self.code, "request": request.path}
        return json_response(told, STATUS.get(self.code, 400))


class Api:
    """Handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _mine(self, form: Json) -> PlatformAccount:
        token = str(form.get("access_token") or "")
        if not token:
            raise WeiboError(10006)
        for account in self.world.state.accounts.values():
            if account.platform == NAME and account.settings["access_token"] == token:
                if until(account, self.world.clock.now()) <= self.world.clock.now():
                    raise WeiboError(21327)
                return account
        raise WeiboError(21332)

    async def _begin(self, account: PlatformAccount, *, sends: bool) -> tuple[Fault | None, Response | None]:
        fault = self.world.faults.take(NAME, account.id, sends=sends)
        early = await before(fault)
        if early is None and fault is not None and fault.kind == "error":
            raise WeiboError(fault.code or 10001)
        return fault, early

    async def reply(self, request: Request) -> Response:
        """POST /2/messages/reply.json"""
        form = _form(request)
        account = self._mine(form)
        fault, early = await self._begin(account, sends=True)
        if early is not None:
            return early
        for name in ("type", "data", "receiver_id"):
            if not form.get(name):
                raise WeiboError(10016, name)
        if not str(form["receiver_id"]).isdigit() or str(form.get("save_sender_box", "1")) not in {"0", "1"}:
            raise WeiboError(10008, "receiver_id")
        customer = self.world.store.customer_known_as(NAME, str(form["receiver_id"]))
        if customer is None:
            raise WeiboError(20003)
        chat = self.world.store.chat(NAME, account.id, customer.id)
        bubble = self._drafted(str(form["type"]), _data(str(form["data"])))
        self._window(account, chat)
        self.show(account, chat, customer, bubble, dict(form), fault)
        told = {
            "result": True,
            "receiver_id": int(form["receiver_id"]),
            "sender_id": int(account.id),
            "type": form["type"],
        }
        return after(fault, json_response(told))

    def _drafted(self, kind: str, data: Json) -> Bubble:
        bubble = Bubble(id="", side="business", kind=kind, at=self.world.clock.now(), status="sent", raw=data)
        if kind == "text" and isinstance(data.get("text"), str) and data["text"]:
            if len(data["text"]) >= LONGEST:
                raise WeiboError(20012)
            bubble.text = data["text"]
        elif kind == "position" and {"longitude", "latitude"} <= data.keys():
            try:
                bubble.location = {name: float(data[name]) for name in ("latitude", "longitude")}
            except (TypeError, ValueError):
                raise WeiboError(10008, "data") from None
            bubble.kind = "location"
        elif kind == "articles":
            articles = data.get("articles")
            if not isinstance(articles, list) or not 1 <= len(articles) <= MOST_ARTICLES:
                raise WeiboError(10008, "articles")
            for one in articles:
                if not isinstance(one, dict) or not all(one.get(n) for n in ("display_name", "image", "url")):
                    raise WeiboError(10008, "articles: display_name, image, url")
            bubble.text = "\n".join(
                f"{a['display_name']}\n{a.get('summary', '')}\n{a['url']}" for a in articles
            )
        else:
            raise WeiboError(10008, f"type {kind}")
        return bubble

    def _window(self, account: PlatformAccount, chat: Chat) -> None:
        if chat.blocked:
            raise WeiboError(20301)
        opened: Json = account.kept.setdefault("opened", {}).get(chat.key) or {}
        now = self.world.clock.now()
        for what, at in sorted(opened.items(), key=lambda item: item[0] in ONCE):
            if now - at <= HOURS[what] * 3600:
                if what in ONCE:
                    del opened[what]
                return
        raise WeiboError(20016, "no message quota for this receiver")

    def opens(self, account: PlatformAccount, chat: Chat, what: str) -> None:
        """Something that the account may answer."""
        account.kept.setdefault("opened", {}).setdefault(chat.key, {})[what] = self.world.clock.now()

    def show(
        self,
        account: PlatformAccount,
        chat: Chat,
        customer: Customer,
        bubble: Bubble,
        body: Json,
        fault: Fault | None,
    ) -> None:
        """Show and note what the account said."""
        bubble.id = bubble.id or f"w{self.world.state.counter}"
        self.world.state.counter += 1
        self.world.show(chat, bubble)
        self.world.note(
            message_id=bubble.id, platform=NAME, account=account.id, to=customer.handles.get(NAME, ""),
            kind=bubble.kind, text=bubble.text, body={**body, "access_token": "…"}, fault=fault,
        )  # fmt: skip

    def passive(self, account: PlatformAccount, said: Json) -> None:
        """Take a reply out of the answer to a push."""
        customer = self.world.store.customer_known_as(NAME, str(said.get("receiver_id")))
        if customer is None or not isinstance(said["data"], dict):
            return
        try:
            bubble = self._drafted(str(said["type"]), said["data"])
        except WeiboError:
            return
        chat = self.world.store.chat(NAME, account.id, customer.id)
        self.show(account, chat, customer, bubble, said, None)

    # -- look-ups ------------------------------------------------------------------------------------------

    async def file(self, request: Request) -> Response:
        """GET /2/mss/msget: a picture or voice message by its number."""
        account = self._mine(request.query)
        _, early = await self._begin(account, sends=False)
        if early is not None:
            return early
        media = self.world.state.media.get(f"weibo-{request.query.get('fid', '')}")
        if media is None or media.account != account.id:
            raise WeiboError(10008, "fid")
        return Response(media.content, content_type=media.content_type)

    async def follower(self, request: Request) -> Response:
        """GET /2/eps/user/info.json: tells of followers only."""
        account = self._mine(request.query)
        _, early = await self._begin(account, sends=False)
        if early is not None:
            return early
        customer = self.world.store.customer_known_as(NAME, request.query.get("uid", ""))
        if customer is None:
            raise WeiboError(20003)
        chat = self.world.store.chat(NAME, account.id, customer.id)
        if chat.blocked:
            return json_response({"follow": 0})
        return json_response(
            {
                "subscribe": 1, "follow": 1, "nickname": customer.name, "sex": 0, "language": "zh_CN", "city": "杭州",
                "province": "浙江", "country": "中国", "headimgurl": "https://tvax1.sinaimg.example/mei.jpg",
                "headimgurl_large": "https://tvax1.sinaimg.example/mei_large.jpg",
            }
        )  # fmt: skip

    async def user(self, request: Request) -> Response:
        """GET /2/users/show.json"""
        account = self._mine(request.query)
        if request.query.get("uid") != account.id:
            raise WeiboError(20003)
        return json_response(
            {"id": int(account.id), "idstr": account.id, "screen_name": account.name, "verified": True}
        )

    async def token_info(self, request: Request) -> Response:
        """POST /oauth2/get_token_info"""
        account = self._mine(_form(request))
        _, early = await self._begin(account, sends=False)
        if early is not None:
            return early
        now = self.world.clock.now()
        left = int(until(account, now) - now)
        told = {
            "uid": int(account.id),
            "appkey": account.settings["app_key"],
            "scope": "",
            "create_at": int(now),
            "expire_in": left,
        }
        return json_response(told)

    async def set_format(self, request: Request) -> Response:
        """POST /2/eps/push/set_format.json: json or xml."""
        form = _form(request)
        account = self._mine(form)
        if form.get("format") not in {"json", "xml"}:
            raise WeiboError(10008, "format")
        account.settings["format"] = form["format"]
        return json_response({"result": True})


def until(account: PlatformAccount, now: float) -> float:
    """Return when the token of the console ends: a year after it was first used."""
    found: float = account.kept.setdefault("token_until", now + YEAR_SECONDS)
    return found


def _form(request: Request) -> Json:
    try:
        form, _ = request.form()
    except Refused:
        raise WeiboError(10008) from None
    return form


def _data(given: str) -> Json:
    """Return the message's data; it may have been quoted once more than a form needs."""
    try:
        return msgspec.json.decode(unquote(given) if given.startswith("%") else given, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        raise WeiboError(10008, "data") from None
