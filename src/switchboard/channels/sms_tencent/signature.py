"""TC3-HMAC-SHA256, the signature of Tencent Cloud's APIs (version 3)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"
END = "tc3_request"


def canonical_request(headers: Mapping[str, str], body: bytes) -> str:
    """Return what is hashed and signed of a POST to `/`; `headers` (lower-case names) are all signed."""
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in sorted(headers))
    return "\n".join(("POST", "/", "", lines, _signed(headers), hashlib.sha256(body).hexdigest()))


def authorization(
    secret_id: str, secret_key: str, product: str, headers: Mapping[str, str], body: bytes, at: int
) -> str:
    """Return the header `Authorization` for a request made at a Unix time, good for five minutes."""
    date = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{product}/{END}"
    digest = hashlib.sha256(canonical_request(headers, body).encode()).hexdigest()
    key = f"TC3{secret_key}".encode()
    for part in (date, product, END):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    plain = f"{ALGORITHM}\n{at}\n{scope}\n{digest}"
    signature = hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()
    return (
        f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={_signed(headers)}, Signature={signature}"
    )


def _signed(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))
