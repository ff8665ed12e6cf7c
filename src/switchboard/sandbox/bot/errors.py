"""Refusals in the Bot API's form."""

from typing import Any

from switchboard.sandbox.web import Response, json_response


class BotError(Exception):
    """`{ok: false, error_code, description, parameters}`; the HTTP status is the code."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def response(self) -> Response:
        """The HTTP answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return json_response(body, self.code)


def asked_for(code: int) -> BotError:
    """The error of this code in the words that Telegram usually has for it."""
    if code == 429:
        return BotError(429, "Too Many Requests: retry after 2", retry_after=2)
    words = {
        400: "Bad Request: chat not found",
        401: "Unauthorized",
        403: "Forbidden: bot was blocked by the user",
        404: "Not Found",
        409: "Conflict: terminated by other getUpdates request; make sure that only one bot is running",
        413: "Request Entity Too Large",
        500: "Internal Server Error",
        502: "Bad Gateway",
        504: "Gateway Timeout",
    }
    return BotError(code, words.get(code, "Error"))
