"""What the front end's door answers, built or not."""

from pathlib import Path
from typing import Any

from switchboard.app.config import Settings
from switchboard.app.pages import Pages, is_built
from switchboard.app.runtime import POSTER


async def _get(root: Path, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    await Pages(Settings(data=root), root)(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def _build(root: Path) -> None:
    (root / "workspace" / "assets").mkdir(parents=True)
    (root / "workspace" / "index.html").write_text("<p>desk</p>")
    (root / "workspace" / "assets" / "a.js").write_text("1")
    (root / "secret.txt").write_text("hidden")


async def test_without_a_build_it_says_what_to_do(tmp_path: Path) -> None:
    assert not is_built(tmp_path)
    status, _, body = await _get(tmp_path, "/")
    assert status == 503
    assert "make setup" in body.decode()


async def test_every_address_of_the_page_is_the_page(tmp_path: Path) -> None:
    _build(tmp_path)
    assert is_built(tmp_path)
    status, headers, body = await _get(tmp_path, "/admin/channels")
    assert (status, body) == (200, b"<p>desk</p>")
    assert headers[b"cache-control"] == b"no-cache"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert (await _get(tmp_path, "/assets/a.js"))[1][b"cache-control"].endswith(b"immutable")
    assert (await _get(tmp_path, "/assets/gone.js"))[0] == 404


async def test_nothing_outside_is_served(tmp_path: Path) -> None:
    _build(tmp_path)
    for path in ("/../secret.txt", "/assets/../../secret.txt"):
        assert b"hidden" not in (await _get(tmp_path, path))[2]


async def test_names_that_no_file_has_are_the_page(tmp_path: Path) -> None:
    _build(tmp_path)
    for path in ("/a\x00b", f"/{'x' * 5000}", f"/{'x/' * 3000}"):
        assert (await _get(tmp_path, path))[0] == 200


async def test_the_still_that_stands_for_videos_is_among_the_pages(tmp_path: Path) -> None:
    public = Path(__file__).parents[3] / "frontend" / "apps" / "workspace" / "public"
    _build(tmp_path)
    (tmp_path / "workspace" / "poster.png").write_bytes((public / POSTER.removeprefix("/")).read_bytes())
    status, headers, body = await _get(tmp_path, POSTER)
    assert (status, headers[b"content-type"], body[:8]) == (200, b"image/png", b"\x89PNG\r\n\x1a\n")
    assert len(body) < 1_000_000, "LINE takes previews of one megabyte"
