"""What an adapter gets of a stored file: its bytes, and addresses that a platform can load."""

from switchboard.app.runtime import POSTER, Runtime
from switchboard.channels.api import Content
from tests.flow.conftest import Pipe

FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


async def test_a_video_comes_with_a_still_and_nothing_else_does(runtime: Runtime, pipe: Pipe) -> None:
    film = await runtime.files.keep(pipe.workspace, Content("a.mp4", "video/mp4", FILM))
    words = await runtime.files.keep(pipe.workspace, Content("a.txt", "text/plain", b"words"))
    io = runtime.io(pipe.workspace)
    found, other = await io.file(film.id), await io.file(words.id)
    assert (found.data, found.mime, found.poster) == (FILM, "video/mp4", runtime.settings.url + POSTER)
    assert found.url.startswith(f"{runtime.settings.url}/files/{film.id}/a.mp4")
    assert (other.data, other.poster) == (b"words", "")
