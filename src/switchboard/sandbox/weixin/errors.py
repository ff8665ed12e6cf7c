"""Refusals of Tencent's APIs: always HTTP 200, `{"errcode", "errmsg"}`.

Codes follow the public tables of global return codes; the English short texts are those that the servers answer.
"""

import secrets
from typing import Any

from switchboard.sandbox.web import Response, json_response

Json = dict[str, Any]

WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid meida size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40035: "invalid parameter",
    40037: "invalid template_id",
    40053: "invalid action info, please check document",
    40058: "invalid Request Parameter",
    40096: "invalid external userid",
    40125: "invalid appsecret",
    40164: "invalid ip, not in whitelist",
    40165: "invalid weapp pagepath",
    40166: "invalid weapp appid",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    41009: "missing openid",
    41030: "invalid page",
    41050: "invalid welcome code",
    42001: "access_token expired",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    44001: "empty media data",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45008: "news size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "the user has not sent a message within the last 30 seconds",
    45081: "the typing state is already on",
    45157: "invalid tag name",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    48002: "api forbidden",
    48004: "api forbidden for irregularities, view detail on mp.weixin.qq.com",
    50002: "user limited",
    53600: "Article ID is invalid",
    60020: "not allow to access from your ip",
    65401: "invalid custom service account",
    301017: "voice file only support AMR",
    76021: "cgi_path not found, please check",
    90207: "invalid weapp appid",
    95000: "invalid open_kfid",
    95001: "send msg count limit",
    95002: "send msg time limit",
    95004: "open_kfid not exist",
    95007: "invalid msg token",
    95008: "menu size limit",
    95009: "invalid menu type",
    95013: "session is closed",
    95014: "user is not servicer",
    95016: "not allow to transfer to this service state",
    95017: "api permission is closed",
    95018: "send msg session status invalid",
    95019: "servicer is not receiving",
}


class WeixinError(Exception):
    """A refusal; `detail` stands behind the code's own words."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(str(code))
        self.code = code
        words = WORDS.get(code, "error")
        trace = f"rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        self._body: Json = {"errcode": code, "errmsg": " ".join(filter(None, (words, detail, trace)))}

    def response(self) -> Response:
        """The HTTP answer."""
        return json_response(self._body)


def fine(**more: object) -> Response:
    """The answer of a call that went well."""
    return json_response({"errcode": 0, "errmsg": "ok", **more})
