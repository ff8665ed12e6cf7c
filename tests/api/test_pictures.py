"""Pictures of HTML mails from elsewhere: fetched by us, only those the mail names, only pictures."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
import pytest

from switchboard.blobs import commands as blobs
from switchboard.core.ids import new_id
from switchboard.core.parts import Text
from switchboard.db.pool import packed
from switchboard.net.guard import Guard
from switchboard.net.http import GuardedHttp
from tests.api.conftest import Office, Person

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000500"
    "01a5f645400000000049454e44ae426082"
)


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """Another host on loopback: a picture, and a page that says it is one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        body, kind = (
            (PNG, b"image/png") if path == b"/cat.png" else (b"<script>alert(1)</script>", b"image/png")
        )
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: "
            + kind
            + b"\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def mail(office: Office, html: str) -> UUID:
    """Put a mail with this HTML into a conversation of nobody's team."""
    stored = await office.context.blobs.keep(
        office.workspace, "mail.html", html.encode(), declared="text/html"
    )
    contact, conversation, message = new_id(), new_id(), new_id()
    async with office.context.db.transaction() as tx:
        await blobs.record(tx, [stored])
    parts = packed([Text("Hi", html_file=stored.id)])
    await office.sql(
        "insert into contact (workspace_id, id, name) values ($1, $2, 'Ann')", office.workspace, contact
    )
    await office.sql("insert into conversation (workspace_id, id, contact_id, slot) values ($1, $2, $3, 'case')",
                   office.workspace, conversation, contact)  # fmt: skip
    await office.sql(
        "insert into message (workspace_id, id, conversation_id, position, direction, author_kind, parts, occurred_at, received_at) "
        "values ($1, $2, $3, 1, 'in', 'contact', $4, now(), now())", office.workspace, message, conversation, parts,
    )  # fmt: skip
    return message


async def look(person: Person, message: UUID, url: str) -> Any:
    return await person.call("GET", f"/messages/{message}/picture?url={quote(url, safe='')}")


async def test_a_picture_the_mail_names_is_fetched_by_us(office: Office, host: str) -> None:
    ann = await office.person("ann")
    message = await mail(office, f'<p>Hi</p><img data-src="{host}/cat.png"><img data-src="{host}/page.png">')
    answer = await look(ann, message, f"{host}/cat.png")
    assert (answer.status_code, answer.json()["code"]) == (422, "unfetchable")
    allowed = GuardedHttp(Guard([host.removeprefix("http://")]))  # as an operator may decide
    msgspec.structs.force_setattr(office.context, "http", allowed)
    answer = await look(ann, message, f"{host}/cat.png")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", PNG)
    assert answer.headers["content-security-policy"].endswith("sandbox")
    assert (await look(ann, message, f"{host}/page.png")).json()["code"] == "no_picture"


async def test_other_addresses_are_not_fetched(office: Office, host: str) -> None:
    ann = await office.person("ann")
    message = await mail(office, f'<img data-src="{host}/cat.png">')
    for url in (f"{host}/other.png", "http://169.254.169.254/latest", "file:///etc/passwd", ""):
        assert (await look(ann, message, url)).status_code in (400, 404)
    assert (await look(ann, new_id(), f"{host}/cat.png")).status_code == 404
