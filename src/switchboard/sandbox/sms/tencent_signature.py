"""TC3-HMAC-SHA256: who signed a request to Tencent Cloud."""

import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from urllib.parse import quote

from switchboard.sandbox.sms.tencent_errors import TencentError
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request

TOLERANCE_SECONDS = 300
AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/(\w+)/tc3_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})"
)


def signer(request: Request, accounts: list[PlatformAccount]) -> PlatformAccount:
    """Return whose key signed the request; TencentError AuthFailure otherwise."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise TencentError("AuthFailure.InvalidAuthorization")
    key_id, date, product, names, given = match.groups()
    account = next((a for a in accounts if a.settings["secret_id"] == key_id), None)
    if account is None:
        raise TencentError("AuthFailure.SecretIdNotFound")
    stamp = request.headers.get("x-tc-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
        raise TencentError("AuthFailure.SignatureExpire")
    signed = names.split(";")
    if datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d") != date or not {
        "content-type",
        "host",
    } <= set(signed):
        raise TencentError("AuthFailure.SignatureFailure")
    unsigned = request.headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD"
    headers = {name: request.headers.get(name, "") for name in signed}
    body = b"UNSIGNED-PAYLOAD" if unsigned else request.body
    wanted = signature(
        str(account.settings["secret_key"]), request.method, request.query, headers, body, int(stamp), product
    )
    if not hmac.compare_digest(wanted, given):
        raise TencentError("AuthFailure.SignatureFailure")
    if product != "sms":
        raise TencentError("AuthFailure.SignatureFailure", "the credential is for another product")
    return account


def signature(
    secret: str,
    method: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: bytes,
    at: int,
    product: str,
) -> str:
    """Return the signature of a request to `/` in hex; `headers` are the signed ones."""
    date = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    named = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in query.items())
    listed = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in sorted(headers))
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n/\n{named}\n{listed}\n{';'.join(sorted(headers))}\n{digest}"
    scope = f"{date}/{product}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (date, product, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
