"""Errors of the Messaging API: the HTTP status says what kind, the body says it in words."""

from typing import Any

from switchboard.sandbox.web import Response, json_response

WORDS = {
    400: "The request body has 1 error(s)",
    401: "Authentication failed. Confirm that the access token in the authorization header is valid.",
    403: "Access to this API is not available for your account",
    404: "Not found",
    409: "The retry key is already accepted",
    410: "Gone",
    415: "Unsupported media type",
    429: "The API rate limit has been exceeded. Try again later.",
    500: "Internal server error",
    503: "Service unavailable",
}
CODES = (429, 500, 401, 403, 400, 404, 503)
QUOTA = "You have reached your monthly limit."
SPENT = "Invalid reply token"


class LineError(Exception):
    """A refusal as LINE words it. `details` are (what is wrong, where)."""

    def __init__(
        self,
        status: int,
        message: str = "",
        details: list[tuple[str, str]] | None = None,
        *,
        more: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message or str(status))
        self._status = status
        self._body: dict[str, Any] = {"message": message or WORDS.get(status, "Error"), **(more or {})}
        if details:
            self._body["message"] = f"The request body has {len(details)} error(s)"
            self._body["details"] = [{"message": what, "property": where} for what, where in details]
        self._headers = headers or {}

    def response(self) -> Response:
        """The HTTP answer."""
        answer = json_response(self._body, self._status)
        answer.headers.update(self._headers)
        return answer


class OAuthError(Exception):
    """A refusal of a token endpoint, which has another form than the rest."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self._status = status
        self._body = {"error": error, "error_description": description}

    def response(self) -> Response:
        """The HTTP answer."""
        return json_response(self._body, self._status)
