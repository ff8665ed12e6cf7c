"""Errors of the Cloud API: code -> (HTTP status, title, details).

Codes and HTTP statuses follow Meta's public error reference for the Cloud API; the wording is ours.
"""

import secrets
from typing import Any

from switchboard.sandbox.web import Response, json_response

DOCS = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"

CODES: dict[int, tuple[int, str, str]] = {
    0: (401, "AuthException", "The app user could not be authenticated"),
    1: (400, "API Unknown", "Invalid request or possible server error"),
    2: (503, "API Service", "Temporarily down or overloaded"),
    3: (500, "API Method", "Capability or permission issue"),
    4: (429, "API Too Many Calls", "The app has reached its API call rate limit"),
    10: (403, "Permission Denied", "Permission is not granted or was removed"),
    33: (400, "Parameter value is not valid", "The business phone number was deleted"),
    100: (400, "Invalid parameter", "The request has an unsupported or misspelled parameter"),
    190: (401, "Access token has expired", "The access token is expired or invalid"),
    200: (403, "API Permission", "Permission is not granted or was removed"),
    368: (403, "Temporarily blocked for policies violations", "The business account is restricted"),
    80007: (400, "Rate limit issues", "The business account has reached its rate limit"),
    130429: (400, "Rate limit hit", "Too many messages were sent from this phone number in a short time"),
    130472: (
        400,
        "User's number is part of an experiment",
        "The message was not sent as part of an experiment",
    ),
    130497: (
        403,
        "Business account is restricted from messaging users in this country",
        "Country restriction",
    ),
    131000: (500, "Something went wrong", "The message failed to send because of an unknown error"),
    131005: (403, "Access denied", "Permission is not granted or was removed"),
    131008: (400, "Required parameter is missing", "A required parameter is missing"),
    131009: (400, "Parameter value is not valid", "One or more parameter values are not valid"),
    131016: (503, "Service unavailable", "A service is temporarily unavailable"),
    131021: (400, "Recipient cannot be sender", "Sender and recipient are the same number"),
    131026: (400, "Message undeliverable", "The message cannot be delivered to this recipient"),
    131030: (400, "Recipient phone number not in allowed list", "Add the number to the allowed recipients"),
    131031: (403, "Account has been locked", "The business account is restricted or disabled"),
    131037: (400, "Display name approval needed", "The number's display name is not approved yet"),
    131042: (400, "Business eligibility payment issue", "There is a problem with the payment method"),
    131045: (500, "Incorrect certificate", "The phone number's registration failed"),
    131047: (
        400,
        "Re-engagement message",
        "More than 24 hours have passed since the customer last wrote to this number; send a template",
    ),
    131048: (400, "Spam rate limit hit", "Too many earlier messages were blocked or flagged as spam"),
    131049: (
        400,
        "Meta chose not to deliver",
        "Not delivered, to keep engagement healthy; do not retry at once",
    ),
    131050: (400, "User stopped marketing messages", "The recipient opted out of marketing messages"),
    131051: (400, "Unsupported message type", "This message type is not supported"),
    131052: (400, "Media download error", "The media of the message could not be downloaded"),
    131053: (400, "Media upload error", "The media of the message could not be uploaded"),
    131056: (400, "Pair rate limit hit", "Too many messages to the same recipient in a short time"),
    131057: (500, "Account in maintenance mode", "The account is in maintenance; try later"),
    131062: (
        400,
        "User id recipients are not supported here",
        "This message needs a phone number as recipient",
    ),
    132000: (
        400,
        "Template parameter count mismatch",
        "The number of parameters does not match the template",
    ),
    132001: (404, "Template does not exist", "No approved template of this name in this language"),
    132005: (400, "Template hydrated text too long", "The text is too long after the parameters were put in"),
    132007: (400, "Template format policy violated", "The template breaks a content policy"),
    132012: (400, "Template parameter format mismatch", "A parameter is not of the template's format"),
    132015: (400, "Template is paused", "The template is paused because of low quality"),
    132016: (400, "Template is disabled", "The template was paused too often and is disabled"),
    132068: (400, "Flow is in blocked state", "The flow is blocked"),
    132069: (400, "Flow is in throttled state", "The flow is throttled"),
    133004: (503, "Server temporarily unavailable", "The server is temporarily unavailable"),
    133010: (400, "Phone number not registered", "The phone number is not registered"),
    133016: (400, "Account register deregister rate limit exceeded", "Too many attempts for this number"),
    134011: (403, "Payments terms not accepted", "The terms of payments were not accepted"),
    135000: (400, "Generic user error", "The message failed because of unknown request parameters"),
    137000: (400, "Recipient identity key mismatch", "The recipient's identity key hash does not match"),
}

AUTH_CODES = {0, 3, 10, 190, 200}


class GraphError(Exception):
    """A refusal in Graph form. `details` says more than the code's usual words."""

    def __init__(self, code: int, details: str = "", *, status: int = 0, subcode: int = 0) -> None:
        super().__init__(details or str(code))
        known = CODES.get(code, CODES.get(200) if 200 <= code <= 299 else None)
        self.code = code
        self.subcode = subcode
        self.status = status or (known[0] if known else 400)
        self.title = known[1] if known else "Unknown error"
        self.details = details or (known[2] if known else "")

    def body(self) -> dict[str, Any]:
        """The `error` object of an answer."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.title}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.code == 190:
            error["message"] = "Invalid OAuth access token - Cannot parse access token"
        elif self.subcode == 33:
            error["message"] = self.details
            error["type"] = "GraphMethodException"
        elif self.code not in AUTH_CODES:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return error

    def in_status(self) -> dict[str, Any]:
        """One entry of `errors[]` in a webhook."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details},
            "href": DOCS,
        }

    def response(self) -> Response:
        """The HTTP answer."""
        return json_response({"error": self.body()}, self.status)


def no_such_object(object_id: str, method: str) -> GraphError:
    """What the Graph API says about an id that is unknown or not ours."""
    return GraphError(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be "
        "loaded due to missing permissions, or does not support this operation",
        subcode=33,
    )
