"""What a corp sends to its customers, and what it may know of them and of its own desks."""

import asyncio
import re
import secrets
from typing import Any

from switchboard.sandbox.state import Chat, Customer, PlatformAccount
from switchboard.sandbox.web import NotMine, Request, Response, Router, json_response
from switchboard.sandbox.weixin import kf_sessions, people, window
from switchboard.sandbox.weixin.access import Access, Asked, is_secret
from switchboard.sandbox.weixin.drafts import Draft, Drafts
from switchboard.sandbox.weixin.errors import WeixinError, fine
from switchboard.sandbox.weixin.files import Files
from switchboard.sandbox.weixin.kf_log import Log, desks
from switchboard.sandbox.weixin.kf_sessions import Sessions
from switchboard.sandbox.world import World

Json = dict[str, Any]
TYPES = (
    "text",
    "image",
    "voice",
    "video",
    "file",
    "link",
    "miniprogram",
    "msgmenu",
    "location",
    "business_card",
    "ca_link",
)
MESSAGE_ID = re.compile(r"[0-9a-zA-Z_-]{1,32}")
REJECTED = 10
MOST_IDS = 5_000


class Sending:
    """Handlers."""

    def __init__(self, world: World, access: Access, files: Files, log: Log, sessions: Sessions) -> None:
        self._world = world
        self._access = access
        self._log = log
        self._sessions = sessions
        self._drafts = Drafts(files, TYPES, app_code=90207)

    def routes(self, router: Router) -> None:
        """Register."""
        door = self._access.door
        router.add("GET", "/cgi-bin/gettoken", self.token)
        router.add("POST", "/cgi-bin/kf/send_msg", door(self.send, sends=True))
        router.add("POST", "/cgi-bin/kf/send_msg_on_event", door(self.send_on_event, sends=True))
        router.add("POST", "/cgi-bin/kf/customer/batchget", door(self.customers))
        router.add("*", "/cgi-bin/kf/account/list", door(self.accounts))
        router.add("GET", "/cgi-bin/kf/servicer/list", door(self.servicers))
        router.add("POST", "/cgi-bin/kf/add_contact_way", door(self.link))
        router.add("GET", "/cgi-bin/getcallbackip", door(self.addresses))
        router.add("GET", "/cgi-bin/get_api_domain_ip", door(self.addresses))

    async def token(self, request: Request) -> Response:
        """`GET gettoken?corpid=&corpsecret=`: the same one until its end."""
        try:
            if not request.query.get("corpid"):
                raise WeixinError(41002, "corpid")
            try:
                account = self._access.by_id(request.query["corpid"])
            except NotMine as error:
                raise WeixinError(40013, "corpid") from error
            if not request.query.get("corpsecret"):
                raise WeixinError(41004)
            if not is_secret(account, request.query["corpsecret"]):
                raise WeixinError(40001)
            fault = self._world.faults.take(self._access.platform, account.id, sends=False)
            if fault is not None and fault.kind == "error":
                raise WeixinError(fault.code)
            given = self._access.latest(account, "corp", 0) or self._access.issue(account, "corp")
            return fine(**given)
        except WeixinError as error:
            return error.response()

    # -- messages ----------------------------------------------------------------------------------------------------

    async def send(self, asked: Asked) -> Response:
        """`{touser, open_kfid, msgid?, msgtype, …}` → `{msgid}`."""
        account, body = asked.account, asked.request.json()
        desk, person = body.get("open_kfid"), body.get("touser")
        if desk not in desks(account):
            raise WeixinError(95000)
        customer = people.person(self._world, account, person) if isinstance(person, str) else None
        if customer is None:
            raise WeixinError(40096)
        draft = self._drafts.read(account, body)
        made = self._message_id(account, str(desk), body)
        session = self._sessions.at(account, str(desk), str(person))
        self._may_send(account, session, f"{desk}:{person}")
        chat = chat_of(self._world, account, customer, str(desk))
        self._keep_id(account, str(desk), made)
        self._show(asked, chat, str(person), draft, body, made)
        self._fail_late(asked, chat, str(desk), str(person), made)
        return fine(msgid=made)

    def _may_send(self, account: PlatformAccount, session: Json, who: str) -> None:
        now = self._world.clock.now()
        if not session["begun"]:
            raise WeixinError(95018)
        if session["wrote"] <= now - kf_sessions.DAYS_2:
            raise WeixinError(95002)
        if session["state"] == kf_sessions.ENDED:
            raise WeixinError(95013)
        if session["state"] not in {kf_sessions.NEW, kf_sessions.ASSISTANT}:
            raise WeixinError(95018)
        window.spend(account, who, now, late=95002, many=95001)

    def _message_id(self, account: PlatformAccount, desk: str, body: Json) -> str:
        """The caller's id, which may be used once per desk, or an invented one."""
        given = body.get("msgid")
        if given is None or given == "":
            return "msg" + secrets.token_hex(14)
        if not isinstance(given, str) or not MESSAGE_ID.fullmatch(given):
            raise WeixinError(40058, "msgid")
        if f"{desk}:{given}" in account.kept.get("ids", {}):
            raise WeixinError(40058, "msgid repeated")
        return given

    def _keep_id(self, account: PlatformAccount, desk: str, made: str) -> None:
        ids: dict[str, int] = account.kept.setdefault("ids", {})
        ids[f"{desk}:{made}"] = 1
        while len(ids) > MOST_IDS:
            ids.pop(next(iter(ids)))

    def _show(self, asked: Asked, chat: Chat, person: str, draft: Draft, body: Json, made: str) -> None:
        bubble = draft.bubble(made, self._world.clock.now(), body)
        self._world.show(chat, bubble)
        self._world.note(
            message_id=made,
            platform=asked.account.platform,
            account=asked.account.id,
            to=person,
            kind=str(body["msgtype"]),
            text=bubble.text or bubble.title,
            body=body,
            fault=asked.fault,
        )

    def _fail_late(self, asked: Asked, chat: Chat, desk: str, person: str, made: str) -> None:
        """A customer who refuses messages, or a fault that was asked for, is told by an event."""
        fault = asked.fault
        asked_for = fault is not None and fault.kind == "status"
        if not chat.blocked and not asked_for:
            return
        why = fault.code if asked_for and fault and fault.code else REJECTED

        async def fail() -> None:
            await asyncio.sleep(self._world.config.receipt_delay_seconds)
            bubble = chat.find(made)
            if bubble is not None:
                bubble.status, bubble.error = "failed", f"fail_type {why}"
                self._world.changed(chat, bubble)
            about = {"external_userid": person, "fail_msgid": made, "fail_type": why}
            message = event(self._world, desk, "msg_send_fail", **about)
            self._log.add(asked.account, chat, desk, message)

        self._world.spawn(fail())

    async def send_on_event(self, asked: Asked) -> Response:
        """`{code, msgid?, msgtype, …}`: once per code, in its time and state."""
        account, body = asked.account, asked.request.json()
        draft = self._drafts.read(account, body)
        known = account.kept.get("codes", {}).get(str(body.get("code") or ""), {})
        made = self._message_id(account, str(known.get("desk", "")), body)
        found = self._sessions.redeem(account, str(body.get("code") or ""), body.get("msgtype"))
        customer = people.person(self._world, account, found["person"])
        if customer is None:
            raise WeixinError(40096)
        self._keep_id(account, found["desk"], made)
        chat = chat_of(self._world, account, customer, found["desk"])
        self._show(asked, chat, found["person"], draft, body, made)
        return fine(msgid=made)

    # -- look-ups ----------------------------------------------------------------------------------------------------

    async def customers(self, asked: Asked) -> Response:
        """`{external_userid_list, need_enter_session_context?}`: those who came within 48 hours."""
        account, body = asked.account, asked.request.json()
        wanted = body.get("external_userid_list")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
            raise WeixinError(40058, "external_userid_list")
        found, unknown = [], []
        for person in wanted:
            customer = people.person(self._world, account, str(person))
            came = account.kept.get("came", {}).get(str(person))
            if customer is None or not came or came["at"] <= self._world.clock.now() - kf_sessions.DAYS_2:
                unknown.append(person)
                continue
            told = self._profile(account, customer, asked.request.origin)
            if body.get("need_enter_session_context") == 1:
                told["enter_session_context"] = came["context"]
            found.append(told)
        return fine(customer_list=found, invalid_external_userid=unknown)

    def _profile(self, account: PlatformAccount, customer: Customer, origin: str) -> Json:
        union = people.unionid(self._world, account, customer)
        return {
            "external_userid": people.openid(self._world, account, customer),
            "nickname": customer.name,
            "avatar": f"{origin}/weixin/avatars/{customer.color.lstrip('#')}.png",
            "gender": 0,
            **({"unionid": union} if union else {}),
        }

    async def accounts(self, asked: Asked) -> Response:
        """The desks, from `offset`, at most `limit` (100)."""
        body = asked.request.json() if asked.request.method == "POST" else {}
        offset, limit = body.get("offset") or 0, body.get("limit") or 100
        if not isinstance(offset, int) or not isinstance(limit, int) or offset < 0 or not 1 <= limit <= 100:
            raise WeixinError(40058, "offset, limit")
        listed = asked.account.settings["kf_accounts"][offset : offset + limit]
        return fine(account_list=[{"avatar": "", "manage_privilege": True, **one} for one in listed])

    async def servicers(self, asked: Asked) -> Response:
        """Colleagues who receive customers at a desk."""
        if asked.request.query.get("open_kfid") not in desks(asked.account):
            raise WeixinError(95000)
        staff = [{"userid": name, "status": 0} for name in asked.account.settings["servicers"]]
        return fine(servicer_list=staff)

    async def link(self, asked: Asked) -> Response:
        """An address under which customers come to a desk, with a scene of one's own."""
        body = asked.request.json()
        if body.get("open_kfid") not in desks(asked.account):
            raise WeixinError(95000)
        scene = str(body.get("scene") or "")
        if scene and not MESSAGE_ID.fullmatch(scene):
            raise WeixinError(40058, "scene")
        more = f"?enc_scene=ENC{scene}" if scene else ""
        return fine(url=f"https://work.weixin.qq.com/kfid/{body['open_kfid']}{more}")

    async def addresses(self, asked: Asked) -> Response:
        """From where callbacks come."""
        del asked
        return json_response({"errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"]})


def chat_of(world: World, account: PlatformAccount, customer: Customer, desk: str) -> Chat:
    """The chat with a desk; the first desk's is the one that the page shows without being told."""
    business = "" if desk == desks(account)[0] else desk
    return world.store.chat(account.platform, account.id, customer.id, business)


def event(world: World, desk: str, kind: str, **content: object) -> Json:
    """An event as `sync_msg` gives it; unlike a message it names desk and customer only inside."""
    return {
        "msgid": secrets.token_urlsafe(33),
        "send_time": int(world.clock.now()),
        "origin": 4,
        "msgtype": "event",
        "event": {"event_type": kind, "open_kfid": desk, **content},
    }
