"""Followers, codes, desks, templates and addresses of a service account."""

from typing import Any

from switchboard.sandbox.state import Customer, PlatformAccount
from switchboard.sandbox.web import Response, Router, json_response
from switchboard.sandbox.weixin import people
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.errors import WeixinError, fine
from switchboard.sandbox.weixin.oa_events import ticket
from switchboard.sandbox.world import World

Json = dict[str, Any]
MOST_AT_ONCE = 100
LASTING, PASSING = ("QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"), ("QR_SCENE", "QR_STR_SCENE")
LONGEST_CODE = 2_592_000


class Objects:
    """Handlers."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self, router: Router) -> None:
        """Register."""
        door = self._access.door
        for method, path, serve in (
            ("GET", "/cgi-bin/user/info", self.user),
            ("POST", "/cgi-bin/user/info/batchget", self.users),
            ("POST", "/cgi-bin/user/info/updateremark", self.remark),
            ("GET", "/cgi-bin/user/get", self.followers),
            ("POST", "/cgi-bin/qrcode/create", self.qrcode),
            ("GET", "/cgi-bin/getcallbackip", self.addresses),
            ("GET", "/cgi-bin/get_api_domain_ip", self.addresses),
            ("GET", "/cgi-bin/customservice/getkflist", self.desks),
            ("POST", "/cgi-bin/clear_quota", self.clear_quota),
        ):
            router.add(method, path, door(serve))

    def _person(self, account: PlatformAccount, openid: object) -> Customer:
        customer = people.person(self._world, account, openid) if isinstance(openid, str) else None
        if customer is None:
            raise WeixinError(40003)
        return customer

    def _told(self, account: PlatformAccount, customer: Customer, lang: str) -> Json:
        """A follower without name and picture, which accounts have not been given since 2021."""
        openid = people.openid(self._world, account, customer)
        union = people.unionid(self._world, account, customer)
        bound = {"unionid": union} if union else {}
        known = account.kept.get("followers", {}).get(openid, {"subscribe": 0})
        if not known["subscribe"]:
            return {"subscribe": 0, "openid": openid, **bound}
        scene = str(known.get("qr_scene") or "")
        return {
            "subscribe": 1,
            "openid": openid,
            "nickname": "",
            "sex": 0,
            "language": lang or "zh_CN",
            "city": "",
            "province": "",
            "country": "",
            "headimgurl": "",
            "subscribe_time": known["since"],
            **bound,
            "remark": str(known.get("remark") or ""),
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": known["scene"],
            "qr_scene": int(scene) if scene.isdigit() else 0,
            "qr_scene_str": "" if scene.isdigit() else scene,
        }

    async def user(self, asked: Asked) -> Response:
        """One person."""
        query = asked.request.query
        if not query.get("openid"):
            raise WeixinError(41009)
        customer = self._person(asked.account, query["openid"])
        return json_response(self._told(asked.account, customer, query.get("lang", "")))

    async def users(self, asked: Asked) -> Response:
        """Up to a hundred."""
        wanted = asked.request.json().get("user_list")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= MOST_AT_ONCE:
            raise WeixinError(40035, "user_list")
        if not all(isinstance(one, dict) for one in wanted):
            raise WeixinError(47001)
        found = [(self._person(asked.account, one.get("openid")), one.get("lang", "")) for one in wanted]
        return json_response({"user_info_list": [self._told(asked.account, c, lang) for c, lang in found]})

    async def remark(self, asked: Asked) -> Response:
        """The account's own name for a follower."""
        body = asked.request.json()
        openid = people.openid(self._world, asked.account, self._person(asked.account, body.get("openid")))
        asked.account.kept.get("followers", {}).get(openid, {})["remark"] = str(body.get("remark") or "")
        return fine()

    async def followers(self, asked: Asked) -> Response:
        """Ids of all followers."""
        known = asked.account.kept.get("followers", {})
        ids = [openid for openid, one in known.items() if one["subscribe"]]
        last = ids[-1] if ids else ""
        return json_response(
            {"total": len(ids), "count": len(ids), "data": {"openid": ids}, "next_openid": last}
        )

    async def qrcode(self, asked: Asked) -> Response:
        """A code with a scene: a number or a word, passing or lasting."""
        body = asked.request.json()
        action = body.get("action_name")
        info = body.get("action_info")
        about = info.get("scene") if isinstance(info, dict) else None
        word = "scene_str" if str(action).endswith("STR_SCENE") else "scene_id"
        if action not in LASTING + PASSING or not isinstance(about, dict) or not about.get(word):
            raise WeixinError(40053)
        scene = str(about[word])
        if len(scene) > 64 or (word == "scene_id" and not scene.isdigit()):
            raise WeixinError(40053)
        made: Json = {"ticket": ticket(asked.account, scene), "url": f"http://weixin.qq.com/q/{scene}"}
        if action in PASSING:
            seconds = body.get("expire_seconds") or 60
            if not isinstance(seconds, int) or seconds < 1:
                raise WeixinError(47001)
            made["expire_seconds"] = min(seconds, LONGEST_CODE)
        return json_response(made)

    async def addresses(self, asked: Asked) -> Response:
        """From where callbacks come."""
        del asked
        return json_response({"ip_list": ["127.0.0.1"]})

    async def desks(self, asked: Asked) -> Response:
        """Customer-service accounts, whose name a message may carry."""
        return json_response({"kf_list": asked.account.settings.get("kf_accounts", [])})

    async def clear_quota(self, asked: Asked) -> Response:
        """Nothing is counted here."""
        if asked.request.json().get("appid") != asked.account.id:
            raise WeixinError(40013)
        return fine()
