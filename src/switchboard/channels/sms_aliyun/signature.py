"""ACS3-HMAC-SHA256, the signature of Alibaba Cloud's APIs (version 3)."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(params: Mapping[str, str]) -> str:
    """Return parameters sorted and percent-encoded (RFC 3986)."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(params.items()))


def canonical_request(
    method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], body_digest: str
) -> str:
    """Return what is hashed and signed; `headers` (lower-case names) are all signed."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return "\n".join((method, path, canonical_query(params), lines, _signed(headers), body_digest))


def authorization(
    key_id: str, secret: str, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """Return the header `Authorization`; `headers` hold the body's digest under x-acs-content-sha256."""
    request = canonical_request(method, path, params, headers, headers["x-acs-content-sha256"])
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={_signed(headers)},Signature={signature}"


def _signed(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
