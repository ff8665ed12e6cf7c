"""The door of files behind real HTTP, and its links."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import uvicorn
from hypothesis import example, given
from hypothesis import strategies as st

from switchboard.blobs import Blobs, FileDoor, Signer, StoredFile

WORKSPACE, OTHER = UUID(int=1), UUID(int=2)
KEY = b"k" * 32
TEXT = b"0123456789"
PICTURE = b"GIF89a\x03\0\x04\0\0\0\0"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk(msgspec.Struct):
    """A running door and what it knows."""

    client: httpx.AsyncClient
    blobs: Blobs
    signer: Signer
    clock: Clock
    rows: dict[tuple[UUID, UUID], StoredFile]

    async def link(self, name: str, content: bytes) -> str:
        row = await self.blobs.keep(WORKSPACE, name, content)
        self.rows[WORKSPACE, row.id] = row
        return self.signer.link(WORKSPACE, row.id, row.name)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    signer, blobs = Signer(KEY, clock=clock), Blobs(tmp_path)
    rows: dict[tuple[UUID, UUID], StoredFile] = {}

    async def lookup(workspace: UUID, file_id: UUID) -> StoredFile | None:
        return rows.get((workspace, file_id))

    door = FileDoor(signer, blobs, lookup)
    server = uvicorn.Server(
        uvicorn.Config(door, host="127.0.0.1", port=0, lifespan="off", log_level="warning")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield Desk(client, blobs, signer, clock, rows)
    server.should_exit = True
    await task


async def test_serves_a_picture(desk: Desk) -> None:
    url = await desk.link("图 1.gif", PICTURE)
    answer = await desk.client.get(url)
    assert (answer.status_code, answer.content) == (200, PICTURE)
    headers = answer.headers
    assert headers["content-type"] == "image/gif"
    assert headers["content-length"] == str(len(PICTURE))
    assert (
        headers["content-disposition"]
        == f"inline; filename=\"_ 1.gif\"; filename*=UTF-8''{quote('图 1.gif')}"
    )
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private, max-age=")


@pytest.mark.parametrize(
    ("name", "content", "kind", "shown"),
    [
        ("a.html", b"<html><script>alert(1)</script>", "text/html; charset=utf-8", False),
        ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", False),
        ("a.png", b"<svg onload='alert(1)'/>", "image/svg+xml", False),
        ("a.exe", b"MZ" + bytes(80), "application/vnd.microsoft.portable-executable", False),
        ("a.txt", b"words", "text/plain; charset=utf-8", True),
        ("a.txt", "中文字".encode("gb18030"), "text/plain; charset=gb18030", True),
        ("a.pdf", b"%PDF-1.4", "application/pdf", True),
        ("a.csv", b"a,b", "text/csv; charset=utf-8", False),
    ],
)
async def test_only_harmless_types_are_shown(
    desk: Desk, name: str, content: bytes, kind: str, shown: bool
) -> None:
    answer = await desk.client.get(await desk.link(name, content))
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"].startswith("inline" if shown else "attachment")
    if not shown:
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_hostile_names_stay_in_their_header(desk: Desk) -> None:
    url = await desk.link('a"; filename=evil.exe\r\nX: y.txt', b"x")
    answer = await desk.client.get(url)
    assert answer.status_code == 200
    assert "x" not in answer.headers
    ascii_part = answer.headers["content-disposition"].split("; filename*=")[0]
    assert ascii_part.count('"') == 2


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, TEXT, "bytes 0-9/10"),
        ("bytes=0-", 206, TEXT, "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=0-1,4-5", 200, TEXT, None),
        ("bytes=5-2", 200, TEXT, None),
        ("bytes=-", 200, TEXT, None),
        ("chars=0-1", 200, TEXT, None),
        ("bytes=a-b", 200, TEXT, None),
    ],
)
async def test_parts(desk: Desk, asked: str, status: int, body: bytes | None, told: str | None) -> None:
    answer = await desk.client.get(await desk.link("a.txt", TEXT), headers={"Range": asked})
    assert answer.status_code == status
    assert answer.headers.get("content-range") == told
    if body is not None:
        assert answer.content == body
        assert answer.headers["content-length"] == str(len(body))


async def test_revalidation(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    etag = (await desk.client.get(url)).headers["etag"]
    for given_tag in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await desk.client.get(url, headers={"If-None-Match": given_tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await desk.client.get(url, headers={"If-None-Match": '"other"'})).status_code == 200
    part = {"Range": "bytes=0-1"}
    assert (await desk.client.get(url, headers={**part, "If-Range": etag})).status_code == 206
    assert (await desk.client.get(url, headers={**part, "If-Range": '"older"'})).content == TEXT


async def test_head_and_other_methods(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    answer = await desk.client.head(url)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "10")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = await desk.client.request(method, url)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_an_empty_file(desk: Desk) -> None:
    url = await desk.link("a.txt", b"")
    assert (await desk.client.get(url)).content == b""
    assert (await desk.client.get(url, headers={"Range": "bytes=0-"})).status_code == 416


async def test_a_link_ends(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    expiry = int(parse_qs(urlsplit(url).query)["e"][0])
    assert 12 * 3600 < expiry - desk.clock.now <= 24 * 3600
    assert (
        (await desk.client.get(url))
        .headers["cache-control"]
        .split("=")[1]
        .startswith(str(expiry - int(desk.clock.now)))
    )
    desk.clock.now = expiry - 1
    assert (await desk.client.get(url)).status_code == 200
    desk.clock.now = expiry
    assert (await desk.client.get(url)).status_code == 403


async def test_a_link_stays_the_same_for_a_while(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    file_id = UUID(urlsplit(url).path.split("/")[2])
    begin = desk.clock.now = desk.clock.now // 43_200 * 43_200
    links = set()
    for later in (0, 1, 3600, 43_199):
        desk.clock.now = begin + later
        links.add(desk.signer.link(WORKSPACE, file_id, "a.txt"))
    assert len(links) == 1
    desk.clock.now = begin + 43_200
    assert desk.signer.link(WORKSPACE, file_id, "a.txt") not in links


async def test_a_link_cannot_be_changed(desk: Desk) -> None:
    url, other = await desk.link("a.txt", TEXT), await desk.link("b.txt", b"other")
    path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
    workspace, expiry, signature = query["w"][0], query["e"][0], query["s"][0]

    def written(path: str = path, w: str = workspace, e: str = expiry, s: str = signature) -> str:
        return f"{path}?w={w}&e={e}&s={s}"

    assert (await desk.client.get(written())).status_code == 200
    changed = [
        written(path=urlsplit(other).path),
        written(path=path.replace("a.txt", "a.html")),
        written(path=path + "/x"),
        written(w=str(OTHER)),
        written(e=str(int(expiry) + 43_200)),
        written(e="soon"),
        written(s=signature[:-1]),
        written(s=""),
        written(s="é"),
        path,
        "/files/",
        "/files/x/y?w=z",
        "/elsewhere",
    ]
    for url in changed:
        answer = await desk.client.get(url)
        assert (answer.status_code, answer.text) == (403, "This link is not valid, or not any more.")


async def test_a_link_of_another_key_is_worth_nothing(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    foreign = Signer(b"x" * 32, clock=desk.clock)
    file_id = UUID(urlsplit(url).path.split("/")[2])
    assert (await desk.client.get(foreign.link(WORKSPACE, file_id, "a.txt"))).status_code == 403
    with pytest.raises(ValueError, match="32"):
        Signer(b"short")


async def test_what_is_gone_is_told(desk: Desk) -> None:
    url = await desk.link("a.txt", TEXT)
    await desk.blobs.delete([row.path for row in desk.rows.values()])
    assert (await desk.client.get(url)).status_code == 404
    desk.rows.clear()
    answer = await desk.client.get(url)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert (await desk.client.get(desk.signer.link(OTHER, uuid4(), "a.txt"))).status_code == 404


@given(st.text(max_size=30))
@example("a/../b")
def test_any_name_makes_a_good_link(name: str) -> None:
    clock = Clock()
    signer, file_id = Signer(KEY, base="https://desk.example/", clock=clock), uuid4()
    url = urlsplit(signer.link(WORKSPACE, file_id, name))
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    assert (url.netloc, url.path.count("/")) == ("desk.example", 3)
    assert "%2F" not in url.path  # some proxies decode it
    checked = signer.check(unquote(url.path), query)
    assert checked is not None
    assert checked[:2] == (WORKSPACE, file_id)


async def test_a_large_file_is_not_held_in_memory(desk: Desk) -> None:
    url = await desk.link("a.bin", bytes(60_000_000))
    tracemalloc.start()
    size = 0
    async with desk.client.stream("GET", url) as answer:
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 60_000_000
    assert peak < 20_000_000
