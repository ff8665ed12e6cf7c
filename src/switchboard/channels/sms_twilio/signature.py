"""X-Twilio-Signature: HMAC-SHA1 with the auth token over our address and the sorted form, or over the address of a JSON body."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from switchboard.channels.api import BadSignature, RawRequest

MOST_FIELDS = 1000
BODY_HASH = "bodySHA256"
FORM = "application/x-www-form-urlencoded"
_PORTS = {"http": 80, "https": 443}


def form_of(body: bytes) -> list[tuple[str, str]]:
    """Return a form's fields in order; raises ValueError for too many."""
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)


def check(request: RawRequest, token: str) -> None:
    """Raise BadSignature unless Twilio signed this request with the account's token."""
    given = request.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
    fields: list[tuple[str, str]] = []
    is_form = request.headers.get("content-type", "").startswith(FORM)
    if BODY_HASH in request.query and not is_form:
        digest = hashlib.sha256(request.body).hexdigest().encode()
        if not hmac.compare_digest(digest, request.query[BODY_HASH].encode("utf-8", "replace")):
            raise BadSignature("bodySHA256 does not fit the body")
    else:
        try:
            fields = form_of(request.body)
        except ValueError:
            raise BadSignature("too many fields") from None
    fits = [hmac.compare_digest(given, sign(url, fields, token)) for url in _addresses(request.url)]
    if not any(fits):
        raise BadSignature("x-twilio-signature does not fit")


def sign(url: str, fields: list[tuple[str, str]], token: str) -> bytes:
    """Return the signature: names sorted, each followed by its value; a name's values sorted, each once."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1)
    return base64.b64encode(mac.digest())


def _addresses(url: str) -> Iterator[str]:
    """Yield the address as it is, and without its port or with the usual one: Twilio's own libraries accept both."""
    yield url
    parts = urlsplit(url)
    try:
        port, usual = parts.port, _PORTS.get(parts.scheme)
    except ValueError:
        return
    if port is not None:
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))
    elif usual is not None:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc}:{usual}"))
