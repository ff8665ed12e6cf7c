"""Apple's push service: `POST /3/device/{token}` by HTTP/2, signed in by a token of our own making (ES256).

Source: Apple, "Sending notification requests to APNs", "Establishing a token-based connection to APNs", "Handling
notification responses from APNs".
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from joserfc import jwt

from switchboard.channels.api import Reauthorise, Refused, Response, Retry, Token, redact
from switchboard.channels.web.push import LIVES, GoneToken, Note, PushIo, apple_key, fitting, later, named

PRODUCTION: Final = "https://api.push.apple.com"
SANDBOX: Final = "https://api.sandbox.push.apple.com"
TOKEN_SECONDS: Final = 3000
"""Apple refuses tokens older than an hour, and new ones oftener than every 20 minutes."""
SECONDS: Final = 20
_STALE: Final = frozenset({"ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"})
_GONE: Final = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"})
_KEYS: Final = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed", "BadEnvironmentKeyIdInToken",
                          "BadCertificate", "BadCertificateEnvironment", "Forbidden", "InvalidTeamId"})  # fmt: skip


class AppleKey(msgspec.Struct, frozen=True):
    """The credentials of one app: a key of the developer account and the app's bundle id."""

    key_id: str
    team_id: str
    bundle_id: str
    private_key: str
    sandbox: bool = False


class Apns:
    """Wakes iPhones, iPads and Macs."""

    def __init__(self, key: AppleKey, io: PushIo) -> None:
        self._key = key
        self._io = io

    async def push(self, token: str, note: Note, now: datetime) -> None:
        """Hand a note over; raises GoneToken, Retry, InDoubt, Refused, or Reauthorise when the key is no good."""
        name = named("apns", self._key.key_id, self._key.team_id, self._key.private_key)

        async def make() -> Token:
            claims: dict[str, Any] = {"iss": self._key.team_id, "iat": int(now.timestamp())}
            header = {"alg": "ES256", "kid": self._key.key_id}
            return Token(jwt.encode(header, claims, apple_key(self._key.private_key)), TOKEN_SECONDS)

        ours = await self._io.token(name, make)
        answer = await self._post(token, note, ours, now)
        if answer.status == 403 and _reason(answer) == "ExpiredProviderToken":
            ours = await self._io.token(name, make, instead_of=ours)
            answer = await self._post(token, note, ours, now)
        _judge(answer, [ours, self._key.private_key])

    async def _post(self, token: str, note: Note, ours: str, now: datetime) -> Response:
        default = SANDBOX if self._key.sandbox else PRODUCTION
        conversation = note.conversation_id.hex

        def payload(title: str, text: str) -> dict[str, Any]:
            aps = {
                "alert": {"title": title, "body": text},
                "badge": note.badge,
                "sound": "default",
                "thread-id": conversation,
            }
            return {"aps": aps, "switchboard": {"conversation": str(note.conversation_id), "message": str(note.message_id)}}  # fmt: skip

        return await self._io.http2.request(
            "POST",
            f"{self._io.platform_url('apns', default)}/3/device/{token}",
            headers={
                "authorization": f"bearer {ours}",
                "apns-topic": self._key.bundle_id,
                "apns-push-type": "alert",
                "apns-priority": "10",
                "apns-expiration": str(int(now.timestamp()) + LIVES),
                "apns-collapse-id": conversation,
                "apns-id": str(note.key),
            },
            json=fitting(note, payload),
            timeout=SECONDS,
        )


def _reason(answer: Response) -> str:
    try:
        said = answer.json()
    except Retry:
        return ""
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason[:60] if isinstance(reason, str) else ""


def _judge(answer: Response, secrets: list[str]) -> None:
    """Raise what Apple's answer means; nothing for 200."""
    if answer.status == 200:
        return
    reason = _reason(answer)
    if answer.status == 410 or reason in _GONE:
        raise GoneToken(_since(answer))
    words = f"Apple's push service refused: {redact(reason, secrets) or f'HTTP {answer.status}'}"
    if answer.status in (429, 500, 502, 503, 504):
        raise later(answer, words)
    if answer.status == 403 or reason in _STALE or reason in _KEYS:
        raise Reauthorise(words, code=reason or str(answer.status))
    raise Refused(words, code=reason or str(answer.status))


def _since(answer: Response) -> datetime | None:
    """Return the moment (in milliseconds) since which Apple knows that the token is dead."""
    try:
        said = answer.json()
        return datetime.fromtimestamp(said["timestamp"] / 1000, UTC)
    except (Retry, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
