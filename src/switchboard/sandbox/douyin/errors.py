"""Errors of Douyin's open platform: always HTTP 200, in one of three forms by the age of the interface."""

import secrets
import time
from typing import Any

from switchboard.sandbox.web import Response, json_response

Json = dict[str, Any]
WORDS = {
    10002: "参数错误",
    10003: "client_key错误",
    10004: "应用权限不足",
    10008: "access_token无效",
    10010: "refresh_token已过期",
    10013: "client_secret错误",
    10020: "重复刷新refresh_token",
    2100004: "系统繁忙，此时请开发者稍候再试",
    2100009: "用户被禁封使用该操作",
    2190001: "quota已用完",
    2190004: "应用未获得该能力",
    2190008: "access_token过期，请刷新或重新授权",
    28001003: "access_token无效",
    28001005: "系统繁忙，此时请开发者稍候再试",
    28001006: "网络调用错误，请重试",
    28001007: "参数不合法",
    28001008: "access_token过期，请刷新或重新授权",
    28001012: "用户未授权该OpenAPI",
    28001015: "请求参数access_token和openId不匹配",
    28001016: "当前应用已被封禁或下线",
    28001018: "应用未获得该能力",
    28003017: "quota已用完",
    28003018: "请求频率过高",
    28003070: "超出频控限制次数",
}
CODES = (28003018, 28001005, 28003070, 28001008, 28001003, 28001012, 28001016, 28001007, 2100009)


class DouyinError(Exception):
    """A refusal."""

    def __init__(self, code: int, description: str = "") -> None:
        super().__init__(str(code))
        self.code = code
        self.description = description or WORDS.get(code, f"错误{code}")


def log_id() -> str:
    """Return an id under which Douyin finds a call again."""
    return time.strftime("%Y%m%d%H%M%S") + secrets.token_hex(10).upper()


def by_extra(error: DouyinError | None = None, **fields: Any) -> Response:
    """Answer as `/im/…`, `/item/…` and `/tool/…` do: `extra` says how it went, `data` says it again."""
    code, words = (error.code, error.description) if error else (0, "")
    extra = {
        "error_code": code, "description": words, "sub_error_code": 0, "sub_description": "",
        "now": int(time.time()), "logid": log_id(),
    }  # fmt: skip
    data = {"error_code": code, "description": words, **fields.pop("data", {})}
    return json_response({"extra": extra, "data": data, **fields})


def by_number(error: DouyinError | None = None, **fields: Any) -> Response:
    """Answer as `/api/…` and the recall do: `err_no` and `err_msg`."""
    code, words = (error.code, error.description) if error else (0, "")
    return json_response({"err_no": code, "err_msg": words, "log_id": log_id(), **fields})


def by_data(error: DouyinError | None = None, **data: Any) -> Response:
    """Answer as `/oauth/…` does: everything in `data`."""
    code, words = (error.code, error.description) if error else (0, "")
    told = {"error_code": code, "description": words, **data}
    return json_response({"data": told, "message": "error" if code else "success"})
