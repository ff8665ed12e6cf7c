"""Mail that goes out, to a real SMTP server: what arrives there, and how every failure is sorted."""

import asyncio
import email
import email.policy
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from switchboard.channels.api import (
    Content,
    File,
    InDoubt,
    Location,
    MessageReceived,
    Outbound,
    Outcome,
    RawRequest,
    Reauthorise,
    Refused,
    Retry,
    Text,
)
from switchboard.channels.email.channel import EmailChannel
from switchboard.channels.email.config import EmailConfig
from tests.email.peers import LoopbackIo, Script, closed_port, door, mail_server, token_imap
from tests.plugins.programs import Mailbox

FILE = UUID("0197a1b2-0000-7000-8000-0000000f0001")
KEY = "0197a1b2-0000-7000-8000-00000000e001"


def config(**changes: Any) -> EmailConfig:
    settings = {
        "address": "help@desk.example",
        "incoming_host": "imap.desk.example",
        "incoming_security": "plain",
        "smtp_host": "smtp.desk.example",
        "smtp_security": "plain",
        "password": "a-password-for-tests",
    }
    return msgspec.convert({**settings, **changes}, EmailConfig)


def message(**changes: Any) -> Outbound:
    plain = Outbound("help@desk.example", "ann@customer.example", [Text("Hello Ann")], KEY, subject="Order")
    return msgspec.structs.replace(plain, **changes)


async def send(script: Script, outbound: Outbound | None = None, **changes: Any) -> Any:
    """Send one mail to a server that behaves as scripted; returns (what send returned, what arrived)."""
    async with mail_server(script) as (port, received):
        io = LoopbackIo({"smtp.desk.example": port}, {str(FILE): Content("a.txt", "text/plain", b"data")})
        sent = await EmailChannel(config(**changes), io).send(outbound or message())
        assert io.asked == [("smtp.desk.example", 25)], "it connects where the guard said, and nowhere else"
        return sent, received


async def test_a_chinese_answer_arrives_whole() -> None:
    """What the customer's mail program makes of it: words, thread, file; the same ids on a second attempt."""
    answer = message(
        parts=[Text("您好，\n明天发货。"), File(file_id=FILE, name="发票 2026.txt", mime="text/plain")],
        subject="退款",
        reply_to="<second@customer.example>",
        thread=["<first@customer.example>", "<second@customer.example>"],
    )
    sent, received = await send(Script(), answer, display_name="客服, 中心", signature="桌子公司")
    (mail,) = received
    assert (mail.sender, mail.recipients, mail.user) == (
        "help@desk.example",
        ["ann@customer.example"],
        "help@desk.example",
    )
    assert mail.data.isascii()
    assert max(map(len, mail.data.split(b"\r\n"))) <= 998
    read = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert (read["From"], read["Subject"]) == ('"客服, 中心" <help@desk.example>', "Re: 退款")
    assert read["Message-ID"] == sent.external_id == f"<sw.{KEY}@desk.example>"
    assert read["In-Reply-To"] == "<second@customer.example>"
    assert read["References"] == "<first@customer.example> <second@customer.example>"
    assert abs(parsedate_to_datetime(read["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    plain, rich = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == "您好，\n明天发货。\n\n-- \n桌子公司\n"
    assert "<p>您好，<br>明天发货。</p>" in rich.get_content()
    (attached,) = read.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("发票 2026.txt", "data")
    again, _ = await send(Script(), answer)
    assert again.external_id == sent.external_id


async def test_our_own_reader_understands_the_answer_to_our_mail() -> None:
    """A reply through another program joins by References, and by the plus address where those are lost."""
    _, received = await send(Script(), plus_addresses=True)
    read = email.message_from_bytes(received[0].data, policy=email.policy.default)
    to = read["Reply-To"].addresses[0].addr_spec
    raw = f"From: ann@customer.example\r\nTo: {to}\r\nSubject: hm\r\n\r\nx".encode()
    channel = EmailChannel(config(), LoopbackIo())
    (fact,) = channel.parse(RawRequest("MAIL", "", {}, {}, raw, datetime.now(UTC)))
    assert isinstance(fact, MessageReceived)
    assert fact.reply_to == read["Message-ID"]


@pytest.mark.parametrize(
    ("script", "outcome", "code"),
    [
        (Script(sender="451 4.3.0 try later"), Retry, "451"),
        (Script(sender="530 5.7.0 sign in first"), Reauthorise, "530"),
        (Script(sender="553 5.7.1 not your address"), Refused, "553"),
        (Script(recipient="450 4.2.0 greylisted"), Retry, "450"),
        (Script(recipient="550 5.7.1 no"), Refused, "550"),
        (Script(data="452 4.3.1 disk full"), Retry, "452"),
        (Script(data="554 5.6.0 spam"), Refused, "554"),
        (Script(auth="535 5.7.8 wrong"), Reauthorise, "535"),
        (Script(auth="454 4.7.0 later"), Retry, "454"),
        (Script(password="another"), Reauthorise, "535"),
        (Script(drop="mail"), Retry, "lost"),
        (Script(drop="data"), InDoubt, "silence"),
        (Script(drop="answer"), InDoubt, "silence"),
    ],
)
async def test_every_failure_is_sorted(script: Script, outcome: type[Outcome], code: str) -> None:
    with pytest.raises(outcome) as failure:
        await send(script)
    assert failure.value.code == code
    assert "a-password-for-tests" not in str(failure.value)
    assert not getattr(failure.value, "unreachable", False)


async def test_an_address_that_does_not_exist_is_told_apart() -> None:
    with pytest.raises(Refused, match="User unknown") as failure:
        await send(Script(recipient="550 5.1.1 <ann@customer.example>: User unknown"))
    assert failure.value.unreachable


async def test_a_server_that_names_a_time_is_believed() -> None:
    with pytest.raises(Retry) as failure:
        await send(Script(recipient="450 4.2.0 Greylisted, try again in 5 minutes"))
    assert failure.value.after == 300


async def test_a_server_that_is_away_is_tried_again() -> None:
    io = LoopbackIo({"smtp.desk.example": closed_port()})
    with pytest.raises(Retry, match="can't be reached"):
        await EmailChannel(config(), io).send(message())


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ann",
        "a@b@c",
        "ann@customer.example\r\nBcc: x@y.example",
        "ann@x, eve@y",
        "安@customer.example",
        "<@>",
    ],
)
async def test_an_address_that_is_none_is_refused_before_anything_is_sent(to: str) -> None:
    with pytest.raises(Refused) as failure:
        await EmailChannel(config(), LoopbackIo()).send(message(to=to))
    assert failure.value.unreachable


async def test_nothing_smuggles_headers_into_a_mail() -> None:
    """Subject, names, ids and file names come from people."""
    outbound = message(
        subject="Hi\r\nBcc: eve@evil.example",
        reply_to="<a@b>\r\nBcc: eve@evil.example",
        thread=["<x@y>\nBcc: eve@evil.example", "<fine@customer.example>"],
        parts=[Text("x\ud800"), File(file_id=FILE, name="a\r\nBcc: eve@evil.example")],
        idempotency_key="k\r\nBcc: eve@evil.example",
    )
    _, received = await send(Script(), outbound, display_name="Desk\r\nBcc: eve@evil.example")
    read = email.message_from_bytes(received[0].data, policy=email.policy.default)
    assert all("Bcc" not in part for part in read.walk())
    assert received[0].recipients == ["ann@customer.example"]
    assert read["References"] == "<fine@customer.example>"


async def test_what_a_mail_cannot_carry_is_refused() -> None:
    with pytest.raises(Refused, match="location"):
        await EmailChannel(config(), LoopbackIo()).send(message(parts=[Location(1, 2)]))


async def test_a_relay_without_a_password_is_not_signed_in_to() -> None:
    _, received = await send(Script(), password="")
    assert received[0].user == ""


# -- probe -----------------------------------------------------------------------------------------------


async def probe(dovecot: Mailbox, script: Script, **changes: Any) -> Any:
    async with mail_server(script) as (port, _):
        ports = {"smtp.desk.example": port}
        settings = {"incoming_port": dovecot.imap_port, "user": dovecot.user, "password": dovecot.password}
        return await EmailChannel(config(**{**settings, **changes}), LoopbackIo(ports)).probe()


async def test_a_probe_signs_in_at_both_servers(dovecot: Mailbox) -> None:
    (account,) = await probe(dovecot, Script(password=dovecot.password), address="Help@Desk.Example")
    assert (account.external_id, account.name) == ("help@desk.example", "help@desk.example")
    pop3 = {"incoming": "pop3", "incoming_port": dovecot.pop3_port}
    assert await probe(dovecot, Script(), display_name="Desk", **pop3)


async def test_a_probe_tells_the_servers_own_words(dovecot: Mailbox) -> None:
    with pytest.raises(Reauthorise, match=r"(?i)authentication failed"):
        await probe(dovecot, Script(), password="wrong-password-2")
    with pytest.raises(Reauthorise, match=r"smtp\.desk\.example: 535 5\.7\.8 use an authorisation code"):
        await probe(dovecot, Script(auth="535 5.7.8 use an authorisation code"))
    with pytest.raises(Refused, match="can't be reached"):
        await probe(dovecot, Script(), incoming_port=closed_port())
    with pytest.raises(Refused, match=r"(?i)mailbox doesn't exist"):
        await probe(dovecot, Script(), folder="No such folder")
    with pytest.raises(Refused, match="not an e-mail address"):
        await probe(dovecot, Script(), address="help")


async def test_an_access_token_stands_for_the_password() -> None:
    """XOAUTH2 on both sides, as Google and Microsoft want it."""
    async with (
        mail_server(Script(token="a-token-for-tests")) as (smtp, _),
        token_imap("a-token-for-tests") as port,
    ):
        io = LoopbackIo({"smtp.desk.example": smtp})
        settings = {"incoming_port": port, "password": "", "access_token": "a-token-for-tests"}
        assert await EmailChannel(config(**settings), io).probe()
        wrong = config(**{**settings, "access_token": "another-token-for-tests"})
        with pytest.raises(Reauthorise) as failure:
            await EmailChannel(wrong, io).probe()
        assert "token-for-tests" not in str(failure.value)
        with pytest.raises(Reauthorise):
            await EmailChannel(wrong, io).send(message())
        with pytest.raises(Refused, match="IMAP only"):
            await EmailChannel(config(**settings, incoming="pop3"), io).probe()


# -- TLS -------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for smtp.desk.example and imap.desk.example that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk.example")])
    names: list[x509.GeneralName] = [x509.DNSName("smtp.desk.example"), x509.DNSName("imap.desk.example")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("192.0.2.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_leaves_encrypted_and_only_to_the_right_server(
    certificate: ssl.SSLContext, security: str
) -> None:
    """The certificate is checked for the name asked for, though we connect to an address."""
    async with mail_server(tls=certificate, starttls=security == "starttls") as (port, received):
        ports = {"smtp.desk.example": port, "other.desk.example": port}
        await EmailChannel(config(smtp_security=security), LoopbackIo(ports)).send(message())
        assert received[0].user == "help@desk.example"
        other = config(smtp_security=security, smtp_host="other.desk.example")
        with pytest.raises(Reauthorise, match=r"certificate of other\.desk\.example is not valid"):
            await EmailChannel(other, LoopbackIo(ports)).send(message())
        assert len(received) == 1


async def test_a_server_without_starttls_gets_no_password() -> None:
    async with mail_server() as (port, received):
        channel = EmailChannel(config(smtp_security="starttls"), LoopbackIo({"smtp.desk.example": port}))
        with pytest.raises(Reauthorise, match=r"(?i)starttls"):
            await channel.send(message())
        assert not received


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_mail_is_fetched_encrypted_and_only_from_the_right_server(
    certificate: ssl.SSLContext, dovecot: Mailbox, protocol: str
) -> None:
    """Dovecot behind a door that speaks TLS."""
    inner = dovecot.imap_port if protocol == "imap" else dovecot.pop3_port
    async with mail_server() as (smtp, _), door(inner, tls=certificate) as between:
        port = between.port
        io = LoopbackIo({"smtp.desk.example": smtp, "imap.desk.example": port, "evil.example": port})
        settings = {
            "incoming": protocol,
            "incoming_security": "tls",
            "user": dovecot.user,
            "password": dovecot.password,
        }
        assert await EmailChannel(config(**settings), io).probe()
        with pytest.raises(Reauthorise, match=r"certificate of evil\.example is not valid"):
            await EmailChannel(config(**settings, incoming_host="evil.example"), io).probe()


async def test_pop3_with_starttls_gives_no_password_to_the_wrong_server(certificate: ssl.SSLContext) -> None:
    said: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK ready\r\n")
        try:
            while line := await reader.readline():
                said.append(line.strip())
                if line.startswith(b"CAPA"):
                    writer.write(b"+OK\r\nSTLS\r\n.\r\n")
                else:
                    writer.write(b"+OK\r\n")
                if line.startswith(b"STLS"):
                    await writer.start_tls(certificate)
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener, mail_server() as (smtp, _):
        port = listener.sockets[0].getsockname()[1]
        io = LoopbackIo({"smtp.desk.example": smtp, "imap.desk.example": port, "evil.example": port})
        settings = {"incoming": "pop3", "incoming_security": "starttls"}
        assert await EmailChannel(config(**settings), io).probe()
        assert any(line.startswith(b"PASS ") for line in said)
        said.clear()
        with pytest.raises(Reauthorise, match=r"certificate of evil\.example is not valid"):
            await EmailChannel(config(**settings, incoming_host="evil.example"), io).probe()
        assert said == [b"CAPA", b"STLS"]
