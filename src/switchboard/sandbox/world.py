"""Everything that the platforms' stand-ins share, in one hand."""

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import msgspec

from switchboard.sandbox.clock import Bucket, Clock
from switchboard.sandbox.config import Config
from switchboard.sandbox.faults import Fault, Faults
from switchboard.sandbox.feed import Feed
from switchboard.sandbox.ledger import Ledger
from switchboard.sandbox.state import Bubble, Chat, Media, State
from switchboard.sandbox.store import Bounds, Store
from switchboard.sandbox.web import Response
from switchboard.sandbox.webhooks import CallLog, Outbox

FETCH_LIMIT = 50 * 1024 * 1024
TYPING_SECONDS = 6.0
BUCKETS_LIMIT = 50_000


class FetchFailed(Exception):
    """A link that the product gave us cannot be read."""


class World:
    """Lives as long as the process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.faults = Faults()
        self.feed = Feed()
        self.ledger = Ledger(config.ledger_limit)
        self.calls = CallLog()
        self.client = httpx.AsyncClient(
            timeout=config.webhook_timeout_seconds,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=100),
            follow_redirects=False,
            trust_env=False,
        )
        self.store = Store(
            _load(config.state_file),
            Bounds(config.chats_limit, config.bubbles_limit, config.media_limit_bytes),
        )
        self.smtp_port = 0
        self.pop3_port = 0
        self.smpp_port = 0
        self._outboxes: dict[str, Outbox] = {}
        self._buckets: dict[str, Bucket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> State:
        """Customers, accounts, chats, files."""
        return self.store.state

    def outbox(self, account: str) -> Outbox:
        """The account's waiting webhooks."""
        box = self._outboxes.get(account)
        if box is None:
            box = self._outboxes[account] = Outbox(self.config, self.client, self.calls)
        return box

    def waiting(self) -> int:
        """Webhooks of all accounts that have not arrived yet."""
        return sum(box.waiting for box in self._outboxes.values())

    def dropped(self) -> int:
        """Webhooks that did not fit into the queues."""
        return sum(box.dropped for box in self._outboxes.values())

    def rate(self, key: str, per_second: float, burst: float) -> float:
        """0 when one more may pass, else the seconds to wait."""
        if len(self._buckets) > BUCKETS_LIMIT:
            self._buckets.clear()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(per_second, burst)
        return bucket.take()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the request."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def show(self, chat: Chat, bubble: Bubble) -> None:
        """Put a message into its chat and onto the open pages."""
        self.store.say(chat, bubble)
        if bubble.side == "business":
            chat.typing_until = 0.0
        self.changed(chat, bubble)

    def changed(self, chat: Chat, bubble: Bubble) -> None:
        """A message looks different now."""
        self.feed.publish("bubble", chat=chat.key, bubble=bubble)

    def typing(self, chat: Chat) -> None:
        """The business is typing."""
        chat.typing_until = self.clock.now() + TYPING_SECONDS
        self.feed.publish("typing", chat=chat.key, seconds=TYPING_SECONDS)

    def note(
        self,
        *,
        message_id: str,
        platform: str,
        account: str,
        to: str,
        kind: str,
        text: str,
        body: dict[str, Any],
        fault: Fault | None,
    ) -> None:
        """Write a message from the product into the ledger."""
        answered = fault is None or fault.kind != "drop_after"
        self.ledger.add(
            message_id=message_id,
            platform=platform,
            account=account,
            to=to,
            kind=kind,
            text=text,
            body=body,
            answered=answered,
            at=time.time(),
        )

    async def fetch(self, url: str, account: str) -> Media:
        """Read a link of the product's, as the platforms do; the same bytes get the same key per account."""
        try:
            async with self.client.stream("GET", url, follow_redirects=True) as answer:
                if not answer.is_success:
                    raise FetchFailed(f"HTTP {answer.status_code}")
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > FETCH_LIMIT:
                        raise FetchFailed("the file is too large")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise FetchFailed(f"{type(error).__name__}: {error}") from error
        name = httpx.URL(url).path.rsplit("/", 1)[-1] or "file"
        kind = answer.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
        return self.store.keep(
            account=account,
            name=name,
            content_type=kind,
            content=bytes(content),
            now=self.clock.now(),
            key=hashlib.sha256(account.encode() + bytes(content)).hexdigest()[:32],
        )

    def save(self) -> None:
        """Write the state file, all or nothing."""
        if not self.config.state_file:
            return
        path = Path(self.config.state_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(path.suffix + ".new")
        fresh.write_bytes(msgspec.json.encode(self.state))
        fresh.replace(path)

    async def close(self) -> None:
        """Stop everything that runs."""
        for box in self._outboxes.values():
            box.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.aclose()
        self.save()


def _load(path: str) -> State:
    if path and Path(path).exists():
        return msgspec.json.decode(Path(path).read_bytes(), type=State)
    return State()


async def before(fault: Fault | None) -> Response | None:
    """The answer of a fault that strikes before anything is delivered."""
    if fault is None:
        return None
    if fault.kind == "latency":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "drop_before":
        return Response(cut=True)
    if fault.kind == "http":
        page = f"<html><body><h1>{fault.code}</h1></body></html>".encode()
        return Response(page, status=fault.code or 502, content_type="text/html")
    return None


def after(fault: Fault | None, answer: Response) -> Response:
    """The answer, or none where the fault swallows it."""
    return Response(cut=True) if fault is not None and fault.kind == "drop_after" else answer
