"""Errors of Twilio's REST API and of its status callbacks."""

from switchboard.sandbox.web import Response, json_response

WORDS: dict[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20005: (403, "Account not active"),
    20404: (404, "The requested resource {detail} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {detail}"),
    21212: (400, "Invalid From Number (caller ID): {detail}"),
    21408: (
        403,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number {detail} is not an SMS-capable number or short code of your account",
    ),
    21609: (400, "The 'StatusCallback' URL {detail} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s) provided: {detail}"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21659: (400, "'From' {detail} is not a Twilio phone number or Short Code country mismatch"),
    21701: (404, "The Messaging Service does not exist: {detail}"),
    21703: (400, "The Messaging Service does not have a phone number available to send a message"),
}
CODES = (21610, 21211, 20429, 20500, 20003, 20005, 21408, 21612, 21614, 30003, 30005, 30007, 30008)
UNDELIVERED = {30001: "failed", 30002: "failed"}
"""Codes of callbacks that mean `failed`; all other 30xxx mean `undelivered`."""
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}


class TwilioError(Exception):
    """A refusal as Twilio words it."""

    def __init__(self, code: int, detail: str = "") -> None:
        status, words = WORDS.get(code, (400, f"Error {code}"))
        super().__init__(words)
        self.status = status
        self.body = {
            "code": code,
            "message": words.replace("{detail}", detail),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }

    def response(self) -> Response:
        """The HTTP answer."""
        answer = json_response(self.body, self.status)
        if self.status == 401:
            answer.headers["www-authenticate"] = 'Basic realm="Twilio API"'
        if self.status == 429:
            answer.headers["retry-after"] = "1"
        return answer
