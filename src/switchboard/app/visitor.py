"""One visitor's socket: what it was told, what it still has to hear."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from switchboard.app.door import Send
from switchboard.app.runtime import Runtime
from switchboard.blobs import reads as blob_reads
from switchboard.workspace import visitors

MAX_FRAME = 64_000
MAX_WAITING = 500
MEDIA = ("image", "audio", "video", "file")
DELIVERED = ("queued", "sending", "sent")
READ = (*DELIVERED, "delivered")
"""What a receipt may find: a socket can be quicker than the loop that records a send."""
OVERLAP = 60_000 * 4096
"""Places that a resume goes back behind what the client has: two processes may file with clocks a little apart."""


def said(message: Any) -> dict[str, Any] | None:
    """Return the JSON object of a socket's frame; None for anything else."""
    text = message.get("text") or (message.get("bytes") or b"")
    if not text or len(text) > MAX_FRAME:
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found if isinstance(found, dict) else None


def place_of(value: object) -> int | None:
    """Return a position a client named; None when it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


class Visitor:
    """Feeds one socket. Frames wait in order; who is too slow is cut off and comes back with a fresh page."""

    def __init__(self, runtime: Runtime, workspace: UUID, channel: UUID, visitor_id: str, send: Send) -> None:
        self._runtime = runtime
        self.workspace_id = workspace
        self._channel = channel
        self.visitor_id = visitor_id
        self._send = send
        self._waiting: list[dict[str, Any]] = []
        self._ready = asyncio.Event()
        self._greeted = False
        self._cut = False
        self.conversations: set[UUID] = set()
        self._last_place = 0

    def put(self, frame: dict[str, Any]) -> None:
        """Queue a frame; one too many, and the socket is closed: who comes back gets what is missing."""
        self._cut = self._cut or len(self._waiting) >= MAX_WAITING
        if not self._cut:
            self._waiting.append(frame)
        message = frame.get("message")
        if isinstance(message, visitors.VisitorMessage):
            self._last_place = max(self._last_place, message.position)
        self._ready.set()

    async def write(self) -> None:
        """Send what waits, once the greeting is out. Ends when the socket does."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            if not self._greeted:
                continue
            waiting, self._waiting = self._waiting, []
            for frame in waiting:
                if self._cut:
                    break
                await self._send({"type": "websocket.send", "text": msgspec.json.encode(frame).decode()})
            if self._cut:
                await self._send({"type": "websocket.close", "code": 4408, "reason": "too slow"})
                return

    async def greet(self, after: int | None, online: bool) -> None:
        """Send the newest page; frames that came meanwhile follow it. `more` after a resume means a gap before the page.

        A resume gets what is new, the last minute before it once more, and what was edited or recalled of this page.
        """
        async with self._runtime.db.transaction() as tx:
            page, more = await visitors.history(
                tx, self.workspace_id, self._channel, self.visitor_id, self._runtime.link
            )
            cases = await visitors.case_of_visitor(tx, self.workspace_id, self._channel, self.visitor_id)
            unread, read = await visitors.unread(tx, self.workspace_id, self._channel, self.visitor_id)
        if after:
            more = more and all(one.position > after for one in page)
            page = [
                one
                for one in page
                if more or one.position > after - OVERLAP or one.edited_at or one.recalled_at
            ]
        self.conversations = {row["conversation_id"] for row in cases}
        self._last_place = max((one.position for one in page), default=after or 0)
        current = cases[0] if cases and cases[0]["status"] != "resolved" else None
        agent = {"name": current["agent_name"]} if current is not None and current["agent_name"] else None
        ready = {"type": "ready", "history": page, "more": more, "online": online, "agent": agent,
                 "unread": unread, "read": read}  # fmt: skip
        self._waiting.insert(0, ready)
        if (
            current is not None
            and current["inbound_count"] > 0
            and current["seen_count"] >= current["inbound_count"]
        ):
            self._waiting.insert(1, {"type": "read", "position": self._last_place})
        self._greeted = True
        self._ready.set()

    async def history(self, before: int | None) -> None:
        """Send an older page."""
        async with self._runtime.db.transaction() as tx:
            page, more = await visitors.history(
                tx, self.workspace_id, self._channel, self.visitor_id, self._runtime.link, before=before
            )
        self.put({"type": "history", "messages": page, "more": more})

    def case(self, row: Any) -> None:
        """Tell what became of a conversation: who has it, how far we have read."""
        self.conversations.add(row["conversation_id"])
        agent = {"name": row["agent_name"]} if row["agent_name"] else None
        self.put({"type": "status", "online": True, "queue_position": None, "agent": agent})
        if row["inbound_count"] > 0 and row["seen_count"] >= row["inbound_count"] and self._last_place:
            self.put({"type": "read", "position": self._last_place})

    async def pieces(self, upto: int | None, statuses: Sequence[str]) -> list[str]:
        """Return the ids of what we sent, up to a place, as far as it is in these statuses."""
        if upto is None:
            return []
        async with self._runtime.db.transaction() as tx:
            return await visitors.pieces(
                tx, self.workspace_id, self._channel, self.visitor_id, upto, statuses
            )

    async def fill_files(self, parts: object) -> list[dict[str, Any]]:
        """Return the parts a visitor sent, files described as we know them; strangers' files are left out."""
        if not isinstance(parts, list):
            return []
        kept = [part for part in parts[:50] if isinstance(part, dict)]
        ids: list[UUID] = []
        for part in kept:
            if part.get("type") in MEDIA:
                try:
                    ids.append(UUID(str(part.get("file_id"))))
                except ValueError:
                    part["file_id"] = None
        if not ids:
            return [part for part in kept if part.get("type") not in MEDIA]
        async with self._runtime.db.transaction() as tx:
            rows = await blob_reads.find(tx, self.workspace_id, ids)
        filled: list[dict[str, Any]] = []
        for part in kept:
            if part.get("type") not in MEDIA:
                filled.append(part)
                continue
            row = rows.get(UUID(str(part["file_id"]))) if part.get("file_id") else None
            if row is not None:
                filled.append(
                    part
                    | {
                        "name": row.name,
                        "mime": row.mime,
                        "size": row.size,
                        "width": row.width or 0,
                        "height": row.height or 0,
                    }
                )
        return filled
