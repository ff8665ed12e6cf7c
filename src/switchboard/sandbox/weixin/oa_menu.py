"""The account's menu: three buttons, five below each."""

from typing import Any

from switchboard.sandbox.state import digits
from switchboard.sandbox.web import Response, Router, json_response
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.errors import WeixinError, fine

Json = dict[str, Any]
WITH_KEY = {
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
}
WITH_MEDIA = {"media_id", "view_limited", "article_id", "article_view_limited"}
TOP_BYTES, BELOW_BYTES, KEY_BYTES, URL_BYTES = 16, 60, 128, 1_024


class Menu:
    """Handlers."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def routes(self, router: Router) -> None:
        """Register."""
        door = self._access.door
        router.add("POST", "/cgi-bin/menu/create", door(self.create))
        router.add("GET", "/cgi-bin/menu/get", door(self.get))
        router.add("GET", "/cgi-bin/menu/delete", door(self.delete))
        router.add("GET", "/cgi-bin/get_current_selfmenu_info", door(self.current))

    async def create(self, asked: Asked) -> Response:
        """`{"button": […]}` in UTF-8; escaped characters are refused."""
        if b"\\u" in asked.request.body:
            raise WeixinError(40033)
        buttons = asked.request.json().get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise WeixinError(40016)
        for button in buttons:
            _check(button, top=True)
        asked.account.kept["menu"] = {"button": buttons}
        asked.account.kept["menu_id"] = digits(9)
        return fine()

    async def get(self, asked: Asked) -> Response:
        """What `create` was given."""
        return json_response({"menu": self._menu(asked)})

    async def current(self, asked: Asked) -> Response:
        """The same as the app shows it."""
        menu = asked.account.kept.get("menu")
        shown = {"is_menu_open": 1 if menu else 0, "selfmenu_info": menu or {"button": []}}
        return json_response(shown)

    async def delete(self, asked: Asked) -> Response:
        """Take it away."""
        asked.account.kept.pop("menu", None)
        return fine()

    def _menu(self, asked: Asked) -> Json:
        found: Json | None = asked.account.kept.get("menu")
        if found is None:
            raise WeixinError(46003)
        return found


def _check(button: object, *, top: bool) -> None:
    if not isinstance(button, dict):
        raise WeixinError(40017)
    if not 0 < len(str(button.get("name") or "").encode()) <= (TOP_BYTES if top else BELOW_BYTES):
        raise WeixinError(40018)
    below = button.get("sub_button")
    if below:
        if not top or not isinstance(below, list) or len(below) > 5:
            raise WeixinError(40023)
        for one in below:
            _check(one, top=False)
        return
    kind = str(button.get("type"))
    if kind in WITH_KEY:
        if not 0 < len(str(button.get("key") or "").encode()) <= KEY_BYTES:
            raise WeixinError(40019)
    elif kind in {"view", "miniprogram"}:
        if not 0 < len(str(button.get("url") or "").encode()) <= URL_BYTES:
            raise WeixinError(40020)
    elif kind not in WITH_MEDIA:
        raise WeixinError(40017)
