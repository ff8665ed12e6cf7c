"""Google's push service: FCM's HTTP v1 API, signed in as a service account (OAuth 2.0, RS256 assertion, RFC 7523).

Source: Firebase, "FCM HTTP v1 API" and "ErrorCode"; Google, "Using OAuth 2.0 for server to server applications".
"""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from joserfc import jwt

from switchboard.channels.api import Reauthorise, Refused, Response, Retry, Token, redact
from switchboard.channels.web.push import LIVES, GoneToken, Note, PushIo, fitting, google_key, later, named

FCM: Final = "https://fcm.googleapis.com"
OAUTH: Final = "https://oauth2.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HOUR: Final = 3600
SECONDS: Final = 20
_CODE: Final = re.compile(r"^[A-Z_]{3,60}$")


class GoogleKey(msgspec.Struct, frozen=True):
    """The key file of a Google service account, as far as it matters. Its own `token_uri` doesn't: tenants name no addresses."""

    project_id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.:\-]{2,100}$")]
    client_email: Annotated[str, msgspec.Meta(min_length=3, max_length=300)]
    private_key: Annotated[str, msgspec.Meta(min_length=1)]
    private_key_id: str = ""


def google_file(text: str) -> GoogleKey:
    """Read a key file; raises ValueError with a sentence."""
    try:
        account = msgspec.json.decode(text, type=GoogleKey)
    except msgspec.DecodeError as error:
        raise ValueError(f"This is not the JSON key file of a service account: {error}") from None
    google_key(account.private_key)
    return account


class Fcm:
    """Wakes Android phones, and others whose app uses Firebase."""

    def __init__(self, account: GoogleKey, io: PushIo) -> None:
        self._account = account
        self._io = io

    async def push(self, token: str, note: Note, now: datetime) -> None:
        """Hand a note over; raises GoneToken, Retry, InDoubt, Refused, or Reauthorise when the key is no good."""
        name = named("fcm", self._account.client_email, self._account.private_key)

        async def fetch() -> Token:
            return await self._sign_in(now)

        ours = await self._io.token(name, fetch)
        answer = await self._post(token, note, ours)
        if answer.status == 401 and _code(answer) != "THIRD_PARTY_AUTH_ERROR":
            ours = await self._io.token(name, fetch, instead_of=ours)
            answer = await self._post(token, note, ours)
        _judge(answer, [ours])

    async def _sign_in(self, now: datetime) -> Token:
        """Exchange our assertion for an access token."""
        at = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self._account.client_email, "scope": SCOPE, "aud": f"{OAUTH}/token", "iat": at, "exp": at + HOUR,
        }  # fmt: skip
        header = {"alg": "RS256", "typ": "JWT", "kid": self._account.private_key_id}
        assertion = jwt.encode(header, claims, google_key(self._account.private_key), algorithms=["RS256"])
        answer = await self._io.http2.request(
            "POST",
            f"{self._io.platform_url('google_oauth', OAUTH)}/token",
            form={"grant_type": GRANT, "assertion": assertion},
            timeout=SECONDS,
        )
        if answer.status >= 500 or answer.status == 429:
            raise later(answer, f"Google's sign-in is busy: HTTP {answer.status}")
        said = answer.json()
        value, seconds = (
            (said.get("access_token"), said.get("expires_in")) if isinstance(said, dict) else (None, 0)
        )
        if answer.status != 200 or not isinstance(value, str):
            why = str(said.get("error", ""))[:100] if isinstance(said, dict) else ""
            words = redact(why, [assertion]) or f"HTTP {answer.status}"
            raise Reauthorise(f"Google refused the service account: {words}", code="oauth")
        return Token(value, float(seconds) if isinstance(seconds, int | float) else HOUR)

    async def _post(self, token: str, note: Note, ours: str) -> Response:
        conversation = note.conversation_id.hex

        def message(title: str, text: str) -> dict[str, Any]:
            badge = {"badge": note.badge, "sound": "default", "thread-id": conversation}
            return {"message": {
                "token": token,
                "notification": {"title": title, "body": text},
                "data": {"switchboard_conversation": str(note.conversation_id), "switchboard_message": str(note.message_id)},
                "android": {
                    "priority": "HIGH", "ttl": f"{LIVES}s", "collapse_key": conversation,
                    "notification": {"tag": conversation, "notification_count": note.badge, "sound": "default"},
                },
                "apns": {"headers": {"apns-collapse-id": conversation, "apns-priority": "10"}, "payload": {"aps": badge}},
            }}  # fmt: skip

        return await self._io.http2.request(
            "POST",
            f"{self._io.platform_url('fcm', FCM)}/v1/projects/{self._account.project_id}/messages:send",
            headers={"authorization": f"Bearer {ours}"},
            json=fitting(note, message),
            timeout=SECONDS,
        )


def _error(answer: Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except Retry:
        return {}
    error = said.get("error") if isinstance(said, dict) else None
    return error if isinstance(error, dict) else {}


def _code(answer: Response) -> str:
    """Return FCM's own error code, else the general status; empty for neither."""
    error = _error(answer)
    details = error.get("details")
    found = (
        [one.get("errorCode") for one in details if isinstance(one, dict)]
        if isinstance(details, list)
        else []
    )
    code = next((one for one in found if isinstance(one, str)), error.get("status"))
    return code if isinstance(code, str) and _CODE.match(code) else ""


def _about_token(answer: Response) -> bool:
    """Tell whether Google calls the token itself malformed."""
    details = _error(answer).get("details")
    for one in details if isinstance(details, list) else []:
        violations = one.get("fieldViolations") if isinstance(one, dict) else None
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict) and violation.get("field") == "message.token":
                return True
    return False


def _judge(answer: Response, secrets: list[str]) -> None:
    """Raise what Google's answer means; nothing for 200."""
    if answer.status == 200:
        return
    code = _code(answer)
    if code == "UNREGISTERED" or (answer.status == 400 and _about_token(answer)):
        raise GoneToken
    words = f"Google's push service refused: {redact(code, secrets) or f'HTTP {answer.status}'}"
    if answer.status in (429, 500, 502, 503, 504):
        raise later(answer, words)
    if answer.status in (401, 403) and code != "SENDER_ID_MISMATCH":
        raise Reauthorise(words, code=code or str(answer.status))
    raise Refused(words, code=code or str(answer.status))
