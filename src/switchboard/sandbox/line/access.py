"""Channel access tokens: long-lived, short-lived, stateless and by signed assertion; who may call what."""

import base64
import binascii
import hmac
import secrets
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from switchboard.sandbox.line.errors import LineError, OAuthError
from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Request, Response, Router, json_response
from switchboard.sandbox.world import World

Json = dict[str, Any]
SHORT_SECONDS, STATELESS_SECONDS = 30 * 86_400, 900
MOST_TOKENS = 100
AUDIENCE = "https://api.line.me/"


class Access:
    """Knows which account a token opens; base of the handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def accounts(self) -> list[PlatformAccount]:
        """Every channel here."""
        return [a for a in self.world.state.accounts.values() if a.platform == "line"]

    def mine(self, request: Request) -> PlatformAccount:
        """The channel of the request's token; LineError 401 without one that is good."""
        token = request.bearer
        for account in self.accounts():
            if self.is_good(account, token):
                return account
        raise LineError(401)

    def is_good(self, account: PlatformAccount, token: str) -> bool:
        """The long-lived token of the console, or one given out that has not ended."""
        if hmac.compare_digest(str(account.settings["access_token"]), token):
            return token not in account.kept.get("revoked", [])
        until = given(account).get(token)
        return until is not None and until > self.world.clock.now()


def given(account: PlatformAccount) -> dict[str, float]:
    """Tokens given out and when they end."""
    found: dict[str, float] = account.kept.setdefault("tokens", {})
    return found


class Tokens(Access):
    """The token endpoints. They take forms, and their errors are OAuth's."""

    def routes(self, router: Router) -> None:
        """Register."""
        router.add("POST", "/v2/oauth/accessToken", self.short_lived)
        router.add("POST", "/v2/oauth/verify", self.verify)
        router.add("GET", "/oauth2/v2.1/verify", self.verify)
        router.add("POST", "/v2/oauth/revoke", self.revoke)
        router.add("POST", "/oauth2/v2.1/revoke", self.revoke)
        router.add("POST", "/oauth2/v2.1/token", self.by_assertion)
        router.add("POST", "/oauth2/v3/token", self.stateless)

    async def short_lived(self, request: Request) -> Response:
        """Thirty days, for id and secret."""
        return self._answered(request, lambda form: self._issue(self._by_secret(form), SHORT_SECONDS))

    async def stateless(self, request: Request) -> Response:
        """Fifteen minutes; any number of them, none can be revoked."""

        def serve(form: Json) -> Json:
            account = self._by_assertion(form) if form.get("client_assertion") else self._by_secret(form)
            return self._issue(account, STATELESS_SECONDS)

        return self._answered(request, serve)

    async def by_assertion(self, request: Request) -> Response:
        """Up to thirty days, for a JWT signed with the channel's assertion key."""

        def serve(form: Json) -> Json:
            account = self._by_assertion(form)
            seconds = int(_claims(str(form.get("client_assertion"))).get("token_exp") or SHORT_SECONDS)
            return {**self._issue(account, min(seconds, SHORT_SECONDS)), "key_id": secrets.token_urlsafe(16)}

        return self._answered(request, serve)

    async def verify(self, request: Request) -> Response:
        """Whom a token belongs to and how long it is good."""

        def serve(form: Json) -> Json:
            token = str(form.get("access_token") or "")
            for account in self.accounts():
                if self.is_good(account, token):
                    until = given(account).get(token, self.world.clock.now() + SHORT_SECONDS)
                    rest = int(until - self.world.clock.now())
                    return {"client_id": account.settings["channel_id"], "expires_in": rest, "scope": "P CM"}
            raise OAuthError("invalid_request", "The access token expired")

        return self._answered(request, serve)

    async def revoke(self, request: Request) -> Response:
        """End a token; unknown ones are fine."""
        form, _ = request.form()
        token = str(form.get("access_token") or "")
        for account in self.accounts():
            given(account).pop(token, None)
            if account.settings["access_token"] == token:
                account.kept.setdefault("revoked", []).append(token)
        return Response()

    def _answered(self, request: Request, serve: Any) -> Response:
        form, _ = request.form()
        try:
            return json_response(serve(form))
        except OAuthError as error:
            return error.response()

    def _issue(self, account: PlatformAccount, seconds: int) -> Json:
        tokens, now = given(account), self.world.clock.now()
        for old in [token for token, until in tokens.items() if until <= now]:
            del tokens[old]
        while len(tokens) >= MOST_TOKENS:
            tokens.pop(next(iter(tokens)))
        token = secrets.token_urlsafe(60)
        tokens[token] = now + seconds
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}

    def _by_secret(self, form: Json) -> PlatformAccount:
        if form.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "grant_type must be client_credentials")
        wanted = str(form.get("client_id") or ""), str(form.get("client_secret") or "")
        for account in self.accounts():
            if (account.settings["channel_id"], account.settings["channel_secret"]) == wanted:
                return account
        raise OAuthError("invalid_client", "invalid client_id or client_secret")

    def _by_assertion(self, form: Json) -> PlatformAccount:
        if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            raise OAuthError("invalid_request", "client_assertion_type is wrong")
        assertion = str(form.get("client_assertion") or "")
        claims = _claims(assertion)
        account = next((a for a in self.accounts() if a.settings["channel_id"] == claims.get("iss")), None)
        key = account.settings.get("assertion_key") if account else None
        if account is None or not key or not _is_signed(str(key), assertion):
            raise OAuthError("invalid_client", "the assertion is not signed by this channel's key")
        now, until = self.world.clock.now(), claims.get("exp")
        if claims.get("sub") != claims["iss"] or claims.get("aud") != AUDIENCE:
            raise OAuthError("invalid_client", "iss, sub or aud is wrong")
        if not isinstance(until, int) or not now < until <= now + 30 * 60 + 5:
            raise OAuthError("invalid_client", "exp must be within thirty minutes")
        return account


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise OAuthError("invalid_client", "the assertion is not a JWT") from error


def _claims(assertion: str) -> Json:
    parts = assertion.split(".")
    try:
        return msgspec.json.decode(_decoded(parts[1] if len(parts) == 3 else ""), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise OAuthError("invalid_client", "the assertion is not a JWT") from error


def _is_signed(pem: str, assertion: str) -> bool:
    signed, _, proof = assertion.rpartition(".")
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(_decoded(proof), signed.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
