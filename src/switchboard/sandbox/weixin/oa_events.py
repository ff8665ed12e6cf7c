"""Events of a service account: what a follower did other than writing."""

import secrets
from collections.abc import Callable
from typing import Any

from switchboard.sandbox.state import Chat, Customer, PlatformAccount
from switchboard.sandbox.weixin import people, window, wishes
from switchboard.sandbox.weixin.notices import Announcer

Json = dict[str, Any]
BRIEFLY = window.Grant(3, 60)
ANSWERABLE_TAPS = {"CLICK", "scancode_push", "scancode_waitmsg"}
TAPS = {"click": "CLICK", "view": "VIEW", "miniprogram": "view_miniprogram"}


class Events(Announcer):
    """Tells the product, and keeps who follows."""

    def follows(self, account: PlatformAccount, customer: Customer) -> bool:
        """Whoever has never said otherwise follows, since long before the sandbox was started."""
        openid = people.openid(self.world, account, customer)
        known: dict[str, Json] = account.kept.setdefault("followers", {})
        if openid not in known:
            known[openid] = {
                "subscribe": 1,
                "since": int(self.world.clock.now()),
                "scene": "ADD_SCENE_SEARCH",
            }
        return bool(known[openid]["subscribe"])

    def act(self, account: PlatformAccount, customer: Customer, chat: Chat, action: str, wish: Json) -> bool:
        """Play one; False where a service account has no such thing."""
        acts: dict[str, Callable[[PlatformAccount, Customer, Chat, Json], None]] = {
            "follow": self._follow,
            "unfollow": self._unfollow,
            "scan": self._scan,
            "menu": self._menu,
            "location": self._place,
            "allow": self._allow,
            "refuse": self._refuse,
            "revoke_authorization": self._revoke,
        }
        if action not in acts:
            return False
        acts[action](account, customer, chat, wish)
        return True

    def _grant(self, account: PlatformAccount, customer: Customer, act: str) -> None:
        openid = people.openid(self.world, account, customer)
        window.grant(account, openid, act, BRIEFLY, self.world.clock.now())

    def _follow(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        scene = str(wish.get("scene") or "")
        openid = people.openid(self.world, account, customer)
        account.kept.setdefault("followers", {})[openid] = {
            "subscribe": 1,
            "since": int(self.world.clock.now()),
            "scene": "ADD_SCENE_QR_CODE" if scene else "ADD_SCENE_SEARCH",
            "qr_scene": scene,
        }
        chat.blocked = False
        self.write_down(chat, "关注" + (f"（{scene}）" if scene else ""))
        self._grant(account, customer, "follow")
        by_code = (
            {"EventKey": f"qrscene_{scene}", "Ticket": ticket(account, scene)} if scene else {"EventKey": ""}
        )
        self.tell(account, customer, chat, "subscribe", **by_code)

    def _unfollow(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        del wish
        self.follows(account, customer)
        openid = people.openid(self.world, account, customer)
        account.kept["followers"][openid]["subscribe"] = 0
        window.withdraw(account, openid)
        chat.blocked = True
        self.write_down(chat, "取消关注")
        self.tell(account, customer, chat, "unsubscribe", EventKey="")

    def _scan(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        """A code scanned by somebody who does not follow yet makes them follow by it."""
        scene = str(wish.get("scene") or "1001")
        if not self.follows(account, customer):
            self._follow(account, customer, chat, {"scene": scene})
            return
        self.write_down(chat, f"扫码（{scene}）")
        self._grant(account, customer, "scan")
        self.tell(account, customer, chat, "SCAN", EventKey=scene, Ticket=ticket(account, scene))

    def _menu(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        wanted = str(wish.get("key") or "")
        button = _button(account.kept.get("menu", {}).get("button", []), wanted)
        kind = str(button.get("type") or wish.get("kind") or "click")
        event = TAPS.get(kind, kind)
        key = str(button.get("url") or button.get("key") or wanted)
        if event == "view_miniprogram":
            key = str(button.get("pagepath") or wanted)
        self.write_down(chat, f"菜单：{button.get('name') or wanted}")
        if event in ANSWERABLE_TAPS:
            self._grant(account, customer, "menu")
        more = _of_tap(event, wish)
        if event in {"VIEW", "view_miniprogram"}:
            more["MenuId"] = str(account.kept.get("menu_id") or 430000000)
        self.tell(account, customer, chat, event, EventKey=key, **more)

    def _place(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        place = wishes.place(wish)
        at = {"Latitude": place["latitude"], "Longitude": place["longitude"], "Precision": 65.0}
        self.tell(account, customer, chat, "LOCATION", **at)

    def _allow(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        self.decide(account, customer, chat, wish, allows=True)

    def _refuse(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        self.decide(account, customer, chat, wish, allows=False)

    def _revoke(self, account: PlatformAccount, customer: Customer, chat: Chat, wish: Json) -> None:
        del wish
        openid = people.openid(self.world, account, customer)
        about = {"OpenID": openid, "AppID": account.id, "RevokeInfo": "302", "PluginID": "", "OpenPID": ""}
        self.tell(account, customer, chat, "user_authorization_revoke", **about)


def ticket(account: PlatformAccount, scene: str) -> str:
    """The ticket of the code with this scene, an invented one where `qrcode/create` has made none."""
    made: dict[str, str] = account.kept.setdefault("qrcodes", {})
    if scene not in made:
        made[scene] = "gQ" + secrets.token_urlsafe(60)
    return made[scene]


def _button(buttons: list[Json], wanted: str) -> Json:
    for one in buttons:
        found = _button(one["sub_button"], wanted) if one.get("sub_button") else one
        if found and wanted in {
            str(found.get("key", "")),
            str(found.get("name", "")),
            str(found.get("url", "")),
        }:
            return found
    return {}


def _of_tap(event: str, wish: Json) -> Json:
    if event.startswith("scancode"):
        return {"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": str(wish.get("result") or "1")}}
    if event.startswith("pic_"):
        return {"SendPicsInfo": {"Count": 1, "PicList": [{"PicMd5Sum": secrets.token_hex(16)}]}}
    if event == "location_select":
        about = {
            "Location_X": "31.2397",
            "Location_Y": "121.4903",
            "Scale": "15",
            "Label": "外滩",
            "Poiname": "",
        }
        return {"SendLocationInfo": about}
    return {}
