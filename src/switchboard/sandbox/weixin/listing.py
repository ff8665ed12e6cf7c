"""The templates that an account has taken from WeChat's library, as its own lists tell them."""

from typing import Any

from switchboard.sandbox.web import Response, Router, json_response
from switchboard.sandbox.weixin.access import Access, Asked
from switchboard.sandbox.weixin.errors import WeixinError, fine

Json = dict[str, Any]
ONCE = 2


class Listing:
    """Handlers. `unlisted` of the account names lists (`followers`, `agreed`) for which it lacks the permission."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def routes(self, router: Router) -> None:
        """Register what mini-programs and Official Accounts share."""
        router.add("GET", "/wxaapi/newtmpl/gettemplate", self._access.door(self.agreed))

    def routes_of_accounts(self, router: Router) -> None:
        """Register what only Official Accounts have beside it."""
        router.add("GET", "/cgi-bin/template/get_all_private_template", self._access.door(self.followers))

    async def followers(self, asked: Asked) -> Response:
        """Templates for followers; this answer has no errcode."""
        listed = [
            {"template_id": one["template_id"], "title": one["title"], "primary_industry": "IT科技",
             "deputy_industry": "互联网|电子商务", "content": one["content"], "example": ""}
            for one in _templates(asked, "followers") if not one.get("agreed")
        ]  # fmt: skip
        return json_response({"template_list": listed})

    async def agreed(self, asked: Asked) -> Response:
        """Notices; a mini-program has no other templates."""
        mixed = asked.account.platform == "wechat_oa"
        listed = [
            {"priTmplId": one["template_id"], "title": one["title"], "content": one["content"] + "\n", "example": "",
             "type": one.get("type", ONCE)}
            for one in _templates(asked, "agreed") if one.get("agreed") or not mixed
        ]  # fmt: skip
        return fine(data=listed)


def _templates(asked: Asked, name: str) -> list[Json]:
    settings = asked.account.settings
    if name in settings.get("unlisted", []):
        raise WeixinError(48001)
    found: list[Json] = settings["templates"]
    return found
