"""Temporary media: three days, limits by kind, bytes or (for a service account's films) a link."""

import mimetypes
import secrets
import struct
import zlib
from typing import Any

import msgspec

from switchboard.sandbox.state import Media, PlatformAccount
from switchboard.sandbox.web import Request, Response, Router, json_response
from switchboard.sandbox.weixin.access import Asked
from switchboard.sandbox.weixin.errors import WeixinError
from switchboard.sandbox.world import World

Json = dict[str, Any]
DAYS_3 = 3 * 86_400
MB = 1024 * 1024


class Limit(msgspec.Struct, frozen=True):
    """What an upload of one kind may be."""

    size: int
    types: tuple[str, ...] = ()
    """Beginnings of good MIME types; empty: any file."""
    refusal: int = 40005
    """The code for another type."""


class Files:
    """Uploads and downloads of one stand-in."""

    def __init__(self, world: World, limits: dict[str, Limit], *, links_films: bool = False) -> None:
        self._world = world
        self._limits = limits
        self._links_films = links_films

    def keep(
        self, account: PlatformAccount, kind: str, name: str, content_type: str, content: bytes
    ) -> Media:
        """Store a file for three days; its key is the media id."""
        now = self._world.clock.now()
        made = self._world.store.keep(
            account=account.id,
            name=name,
            content_type=content_type,
            content=content,
            now=now,
            key=f"{kind[0]}{secrets.token_urlsafe(47)}",
            expires_at=now + DAYS_3,
        )
        account.kept.setdefault("media", {})[made.key] = kind
        return made

    def find(self, account: PlatformAccount, media_id: object, kinds: tuple[str, ...] = ()) -> Media:
        """A file that is still there and of one of these kinds."""
        if not media_id:
            raise WeixinError(41006)
        media = self._world.state.media.get(str(media_id))
        kind = account.kept.get("media", {}).get(str(media_id))
        if media is None or media.account != account.id or media.expires_at <= self._world.clock.now():
            raise WeixinError(40007)
        if kinds and kind not in kinds:
            raise WeixinError(40007)
        return media

    async def upload(self, asked: Asked) -> Response:
        """`POST media/upload?type=` with the file in the field `media`."""
        kind = asked.request.query.get("type", "")
        limit = self._limits.get(kind)
        if limit is None:
            raise WeixinError(40004)
        _, files = asked.request.form()
        file = files.get("media")
        if file is None:
            raise WeixinError(41005)
        if not file.content:
            raise WeixinError(44001)
        if len(file.content) > limit.size:
            raise WeixinError(45001)
        content_type = file.content_type
        if content_type in {"", "application/octet-stream", "text/plain"}:
            content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if limit.types and not content_type.startswith(limit.types):
            raise WeixinError(limit.refusal)
        made = self.keep(asked.account, kind, file.name, content_type, file.content)
        name = "thumb_media_id" if kind == "thumb" else "media_id"
        return json_response(self.told(kind, name, made))

    def told(self, kind: str, name: str, made: Media) -> Json:
        """The answer of an upload."""
        return {"type": kind, name: made.key, "created_at": int(made.created_at)}

    async def download(self, asked: Asked) -> Response:
        """`GET media/get?media_id=`."""
        media = self.find(asked.account, asked.request.query.get("media_id"))
        kind = asked.account.kept["media"][media.key]
        if self._links_films and kind in {"video", "shortvideo"}:
            return json_response({"video_url": f"{asked.request.origin}/weixin/files/{media.key}"})
        return _bytes(media)

    async def speech(self, asked: Asked) -> Response:
        """`GET media/get/jssdk?media_id=`: a voice in its better form."""
        media = self.find(asked.account, asked.request.query.get("media_id"), ("voice",))
        answer = _bytes(media)
        answer.headers["content-type"] = "voice/speex"
        return answer


def _bytes(media: Media) -> Response:
    ending = mimetypes.guess_extension(media.content_type) or ""
    named = {"content-disposition": f'attachment; filename="{media.key}{ending}"'}
    return Response(media.content, content_type=media.content_type, headers=named)


class OpenFiles:
    """Links to pictures and films in messages, which need no token: the id cannot be guessed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, router: Router) -> None:
        """Register."""
        router.add("GET", "/weixin/files/{key}", self.file)
        router.add("GET", "/weixin/avatars/(?P<color>[0-9a-f]+)[.]png", self.avatar)

    async def file(self, request: Request, key: str) -> Response:
        """The bytes, as long as the file lives."""
        del request
        media = self._world.state.media.get(key)
        if media is None or (media.expires_at and media.expires_at <= self._world.clock.now()):
            return Response(b"gone", status=404, content_type="text/plain")
        return Response(media.content, content_type=media.content_type)

    async def avatar(self, request: Request, color: str) -> Response:
        """A picture of one colour, for people without a better one."""
        del request
        return Response(_square(bytes.fromhex(color)), content_type="image/png")


def _square(color: bytes) -> bytes:
    """A PNG of 64 × 64 points."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\x00" + color * 64) * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
