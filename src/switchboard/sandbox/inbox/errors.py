"""Errors of pages and professional accounts: code -> (HTTP status, words). Wording is ours, codes are Meta's."""

import secrets
from typing import Any

from switchboard.sandbox.graph.errors import GraphError

WORDS: dict[int, tuple[int, str]] = {
    1: (500, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    32: (400, "Page request limit reached"),
    100: (400, "Invalid parameter"),
    190: (400, "Error validating access token: the session has been invalidated"),
    200: (403, "Permissions error"),
    210: (403, "A page access token is required to request this resource."),
    230: (403, "User consent is required to access user profile"),
    368: (403, "The action attempted has been deemed abusive or is otherwise disallowed"),
    551: (400, "This person isn't available right now."),
    613: (400, "Calls to this api have exceeded the rate limit."),
    1200: (503, "Temporary send message failure. Please try again later."),
    2500: (400, "Unknown path components"),
    10900: (400, "Activity already replied to"),
    10903: (400, "This user cannot reply to this activity"),
    80006: (400, "There have been too many calls to this Messenger account."),
}
SUBCODES = {190: 460, 551: 1545041}
CODES = (190, 10, 551, 613, 2, 1200, 4, 100, 200, 368, 10900)
OUTSIDE = (10, 2018278, "This message is sent outside of allowed window.")
NOBODY = (100, 2018001, "No matching user found")
OTHER_APP = (10, 2018300, "Another app is controlling this thread now.")


class InboxError(GraphError):
    """A refusal in Graph form."""

    def __init__(self, code: int, details: str = "", *, status: int = 0, subcode: int = 0) -> None:
        known = WORDS.get(code, (400, "Unknown error"))
        super().__init__(
            code, details or known[1], status=status or known[0], subcode=subcode or SUBCODES.get(code, 0)
        )

    def body(self) -> dict[str, Any]:
        """The `error` object of an answer."""
        kind = "GraphMethodException" if self.subcode == 33 else "OAuthException"
        numbered = self.code not in {1, 2, 190, 2500} and self.subcode != 33
        told = f"(#{self.code}) {self.details}" if numbered else self.details
        error: dict[str, Any] = {"message": told, "type": kind, "code": self.code}
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.code in {2, 1200}:
            error["is_transient"] = True
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return error


def refused(known: tuple[int, int, str]) -> InboxError:
    """One of the refusals named above."""
    code, subcode, words = known
    return InboxError(code, words, subcode=subcode, status=400)


def no_such(ident: str, method: str = "get") -> InboxError:
    """What Graph says of ids that are unknown or not ours."""
    words = (
        f"Unsupported {method.lower()} request. Object with ID '{ident}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation"
    )
    return InboxError(100, words, subcode=33)
