"""Who signed a request to Alibaba Cloud: ACS3-HMAC-SHA256 in the header, or the older RPC signature among the parameters."""

import base64
import hashlib
import hmac
import re
import time
from calendar import timegm
from urllib.parse import quote

from switchboard.sandbox.sms.aliyun_errors import AliyunError
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request

TOLERANCE_SECONDS = 900
MOST_NONCES = 10_000
AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})"
)
NEEDED = {
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
}


def quoted(value: str) -> str:
    """Return a text as both signatures want it: RFC 3986, a space as %20."""
    return quote(value, safe="-_.~")


def canonical(params: dict[str, str]) -> str:
    """Return parameters sorted and quoted."""
    return "&".join(f"{quoted(name)}={quoted(params[name])}" for name in sorted(params))


def acs3(
    secret: str, method: str, path: str, query: dict[str, str], headers: dict[str, str], digest: str
) -> str:
    """Return the ACS3 signature in hex; `headers` are the signed ones, `digest` is the body's SHA-256."""
    listed = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n{canonical(query)}\n{listed}\n{';'.join(sorted(headers))}\n{digest}"
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def rpc(secret: str, method: str, params: dict[str, str]) -> str:
    """Return the RPC signature (version 1.0) in base64; `params` without `Signature`."""
    text = f"{method}&%2F&{quoted(canonical(params))}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def signer(request: Request, params: dict[str, str], accounts: list[PlatformAccount]) -> PlatformAccount:
    """Return whose key signed the request; AliyunError otherwise."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is not None:
        key_id, names, given = match.groups()
        account = _of(accounts, key_id)
        signed = names.split(";")
        digest = request.headers.get("x-acs-content-sha256", "")
        if not set(signed) >= NEEDED or digest != hashlib.sha256(request.body).hexdigest():
            raise AliyunError("IncompleteSignature")
        headers = {name: request.headers.get(name, "") for name in signed}
        secret = str(account.settings["access_key_secret"])
        wanted = acs3(secret, request.method, request.path, request.query, headers, digest)
        stamp, nonce = headers["x-acs-date"], headers["x-acs-signature-nonce"]
    else:
        if params.get("SignatureMethod") != "HMAC-SHA1" or params.get("SignatureVersion") != "1.0":
            raise AliyunError("IncompleteSignature")
        account, given = _of(accounts, params.get("AccessKeyId", "")), params.get("Signature", "")
        unsigned = {name: value for name, value in params.items() if name != "Signature"}
        wanted = rpc(str(account.settings["access_key_secret"]), request.method, unsigned)
        stamp, nonce = params.get("Timestamp", ""), params.get("SignatureNonce", "")
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise AliyunError("SignatureDoesNotMatch")
    _check_once(account, stamp, nonce)
    return account


def _of(accounts: list[PlatformAccount], key_id: str) -> PlatformAccount:
    account = next((a for a in accounts if a.settings["access_key_id"] == key_id), None)
    if account is None:
        raise AliyunError("InvalidAccessKeyId.NotFound")
    return account


def _check_once(account: PlatformAccount, stamp: str, nonce: str) -> None:
    try:
        at = timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        raise AliyunError("InvalidTimeStamp.Expired") from None
    if abs(time.time() - at) > TOLERANCE_SECONDS:
        raise AliyunError("InvalidTimeStamp.Expired")
    nonces: list[str] = account.kept.setdefault("nonces", [])
    if not nonce or nonce in nonces:
        raise AliyunError("SignatureNonceUsed")
    nonces.append(nonce)
    del nonces[:-MOST_NONCES]
