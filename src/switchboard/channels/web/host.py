"""What a company's own server says of somebody who is signed in there: by a short-lived token, or by a bare proof of the id.

The token is a JWT (RFC 7519), HS256 under the identity secret, `sub` the user's id, `exp` at most a day ahead. The proof is
HMAC-SHA256(identity secret, user id) in hex; it never expires, which suits a page that is rendered with it.
"""

import hashlib
import hmac
import math
from datetime import datetime
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LONGEST_SECONDS: Final = 86_400
SKEW_SECONDS: Final = 60
ID: Final = 200
TOKEN: Final = 8_000
NEVER: Final = 10**15


class BadProof(Exception):
    """The identity is not proven; the text is a sentence for the developer of the site or app."""


class Person(msgspec.Struct, frozen=True):
    """Whom the company's server vouches for; an empty id for an unknown visitor."""

    id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""


def person_of(said: object, secret: str, site: str, now: datetime) -> Person:
    """Return whom a session is for; raises BadProof for an id or token that is not proven."""
    if not isinstance(said, dict):
        return Person()
    if said.get("token"):
        return _by_token(said["token"], secret, site, now.timestamp())
    if not said.get("id"):
        return Person()
    user = str(said["id"])
    if not proves(secret, user, str(said.get("hmac", ""))):
        raise BadProof("The proof of this user's identity is wrong.")
    return Person(user[:ID], str(said.get("name") or "")[:ID])


def proves(secret: str, user_id: str, proof: str) -> bool:
    """Tell whether the host's server made this proof."""
    if not secret or not user_id:
        return False
    wanted = hmac.new(secret.encode(), user_id.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), proof.strip().lower().encode("utf-8", "replace"))


def _by_token(token: object, secret: str, site: str, now: float) -> Person:
    if not secret or not isinstance(token, str) or len(token) > TOKEN:
        raise BadProof("The token of this user can't be read.")
    try:
        claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadProof("The token of this user is not signed with the identity secret (HS256).") from None
    _check_times(claims, now)
    audience = claims.get("aud")
    if audience is not None and site not in (audience if isinstance(audience, list) else [audience]):
        raise BadProof("The token of this user is for another site: aud must be the site key.")
    user = claims.get("sub")
    if not isinstance(user, str) or not 0 < len(user) <= ID or user != _words(user) or "\x00" in user:
        raise BadProof(f"The token of this user must name them in sub, as text of at most {ID} characters.")
    return Person(user, **{name: _words(claims.get(name)) for name in ("name", "email", "phone", "language")})


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Raise BadProof unless the token is good now and not for long."""
    end, begin = claims.get("exp"), max(_moment(claims.get("nbf")), _moment(claims.get("iat")))
    if not isinstance(end, int | float) or isinstance(end, bool) or end != end:
        raise BadProof("The token of this user must say in exp when it ends.")
    if end <= now:
        raise BadProof("The token of this user has expired.")
    if end > now + LONGEST_SECONDS + SKEW_SECONDS:
        raise BadProof("The token of this user is good for too long: exp may lie at most a day ahead.")
    if begin > now + SKEW_SECONDS:
        raise BadProof(
            "The token of this user is not good yet: look at the clock of the server that made it."
        )


def _moment(value: object) -> float:
    """Return a time as seconds: 0 for none, infinite for one that no clock will show."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if abs(value) < NEVER else math.inf  # not a number counts as never


def _words(value: object) -> str:
    return value.encode("utf-8", "replace").decode()[:ID] if isinstance(value, str) else ""
