"""Apple's and Google's push services on loopback: HTTP/2 over TLS, tokens checked with nothing but `cryptography`.

Written from the services' own documentation. `answers` scripts what comes next instead of the usual 200.
"""

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

KEY_ID, TEAM_ID, BUNDLE_ID, PROJECT = "ABC123DEFG", "DEF123GHIJ", "com.example.shop", "shop-12345"
APPLE = ec.generate_private_key(ec.SECP256R1())
GOOGLE = rsa.generate_private_key(65537, 2048)
EMAIL = "pusher@shop-12345.example.com"
BEARER = "ya29.stand-in"


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """Return a private key as Apple and Google hand it out."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def key_file(key: rsa.RSAPrivateKey = GOOGLE) -> str:
    """Return the JSON that Firebase lets one download; its token_uri must not be followed."""
    return json.dumps(
        {
            "type": "service_account", "project_id": PROJECT, "private_key_id": "k1", "private_key": pem(key),
            "client_email": EMAIL, "token_uri": "https://127.0.0.1:1/evil",
        }
    )  # fmt: skip


class Asked(msgspec.Struct):
    """One request as the service saw it."""

    connection: int
    stream: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    alpn: str | None
    claims: dict[str, Any] = {}

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class PushServices:
    """Both services at one address: their paths differ."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.tls = tls
        self.asked: list[Asked] = []
        self.answers: deque[tuple[int, dict[str, str], Any]] = deque()
        self.connections = 0
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()

    def pushes(self) -> list[Asked]:
        """Return the requests that were notifications."""
        return [one for one in self.asked if one.path != "/token"]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak HTTP/2 to one client until it leaves; anything else ends the connection."""
        self.connections += 1
        number, tls = self.connections, writer.get_extra_info("ssl_object")
        wire = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        wire.initiate_connection()
        self._writers.add(writer)
        open_streams: dict[int, Asked] = {}
        try:
            writer.write(wire.data_to_send())
            while data := await reader.read(65536):
                for event in wire.receive_data(data):
                    match event:
                        case RequestReceived():
                            assert event.headers is not None
                            fields = {str(name): str(value) for name, value in event.headers}
                            open_streams[event.stream_id] = Asked(
                                number, event.stream_id, fields[":method"], fields[":path"], fields, b"",
                                tls.selected_alpn_protocol() if tls is not None else None,
                            )  # fmt: skip
                        case DataReceived():
                            open_streams[event.stream_id].body += event.data or b""
                            wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                        case StreamEnded():
                            self._answer(wire, open_streams.pop(event.stream_id))
                writer.write(wire.data_to_send())
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, wire: H2Connection, asked: Asked) -> None:
        self.asked.append(asked)
        if self.answers and asked.path != "/token":
            status, headers, body = self.answers.popleft()
        elif asked.path == "/token":
            status, headers, body = self._sign_in(asked)
        elif asked.path.startswith("/3/device/"):
            status, headers, body = self._apple(asked)
        else:
            status, headers, body = self._google(asked)
        payload = b"" if body is None else json.dumps(body).encode()
        fields = [(":status", str(status)), *headers.items(), ("content-length", str(len(payload)))]
        wire.send_headers(asked.stream, fields, end_stream=not payload)
        if payload:
            wire.send_data(asked.stream, payload, end_stream=True)

    def _apple(self, asked: Asked) -> tuple[int, dict[str, str], Any]:
        head, claims, signed, mac = opened(asked.headers.get("authorization", "").removeprefix("bearer "))
        try:
            r, s = int.from_bytes(mac[:32]), int.from_bytes(mac[32:])
            APPLE.public_key().verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return 403, {}, {"reason": "InvalidProviderToken"}
        asked.claims = claims
        if (head.get("alg"), head.get("kid"), claims.get("iss")) != ("ES256", KEY_ID, TEAM_ID):
            return 403, {}, {"reason": "InvalidProviderToken"}
        if not time.time() - 3600 < claims.get("iat", 0) <= time.time() + 5:
            return 403, {}, {"reason": "ExpiredProviderToken"}
        if asked.headers.get("apns-topic") != BUNDLE_ID:
            return 400, {}, {"reason": "TopicDisallowed"}
        if len(asked.body) > 4096:
            return 413, {}, {"reason": "PayloadTooLarge"}
        return 200, {"apns-id": asked.headers["apns-id"]}, None

    def _sign_in(self, asked: Asked) -> tuple[int, dict[str, str], Any]:
        form = dict(parse_qsl(asked.body.decode()))
        head, claims, signed, mac = opened(form.get("assertion", ""))
        try:
            GOOGLE.public_key().verify(mac, signed, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return 400, {}, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        asked.claims = claims
        good = (
            form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            and (head.get("alg"), claims.get("iss")) == ("RS256", EMAIL)
            and claims.get("aud") == "https://oauth2.googleapis.com/token"
            and claims.get("scope") == "https://www.googleapis.com/auth/firebase.messaging"
            and 0 < claims["exp"] - claims["iat"] <= 3600
        )
        if not good:
            return 400, {}, {"error": "invalid_grant"}
        return 200, {}, {"access_token": BEARER, "expires_in": 3599, "token_type": "Bearer"}

    def _google(self, asked: Asked) -> tuple[int, dict[str, str], Any]:
        if asked.path != f"/v1/projects/{PROJECT}/messages:send":
            return 404, {}, {"error": {"status": "NOT_FOUND"}}
        if asked.headers.get("authorization") != f"Bearer {BEARER}":
            return 401, {}, {"error": {"status": "UNAUTHENTICATED"}}
        if len(asked.body) > 4096:
            return 400, {}, {"error": {"status": "INVALID_ARGUMENT"}}
        return 200, {}, {"name": f"projects/{PROJECT}/messages/1"}

    def hang_up(self) -> None:
        """Cut every connection off."""
        for writer in self._writers:
            writer.transport.abort()


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Return header, claims, what was signed and the signature of a JWT, unchecked; empty for what is none."""

    def part(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    try:
        head, claims, mac = token.split(".")
        return json.loads(part(head)), json.loads(part(claims)), f"{head}.{claims}".encode(), part(mac)
    except ValueError:
        return {}, {}, b"", b""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for loopback that vouches for itself; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push stand-in")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    public, private = folder / "push.crt", folder / "push.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_text(pem(key))
    return public, private


@contextlib.asynccontextmanager
async def push_services(folder: Path) -> AsyncIterator[PushServices]:
    """Serve on a free port; `push.crt` in the folder is what to trust."""
    public, private = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(public, private)
    tls.set_alpn_protocols(["h2"])
    services = PushServices(tls)
    server = await asyncio.start_server(services.connected, "127.0.0.1", 0, ssl=tls)
    services.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield services
    finally:
        server.close()
        services.hang_up()
