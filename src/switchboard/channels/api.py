"""The whole of what an adapter sees of Switchboard: facts, parts, outcomes, the protocol.

An adapter translates; it has no database, clock, retry, rate limit, splitting or fallback. `core.fit` cuts and degrades,
`delivery` retries and paces, `net` guards and times out, `ingest` stores and deduplicates.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from switchboard.channels.envelope import BadPayload, decode
from switchboard.channels.fields import field, redact, secret, secrets_of
from switchboard.core.facts import (
    AccountChanged,
    Claim,
    EchoReceived,
    IdentityChanged,
    Inbound,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Nudge,
    ProfileReceived,
    ReachChanged,
    Reacted,
    ReceiptReceived,
    Sender,
    Typed,
    Unreadable,
)
from switchboard.core.outcomes import InDoubt, Outcome, Reauthorise, Refused, Response, Retry
from switchboard.core.parts import (
    MEDIA,
    Audio,
    Button,
    Card,
    Cards,
    Choice,
    Choices,
    ContactCard,
    File,
    Form,
    Image,
    Link,
    Location,
    Media,
    Notice,
    Order,
    OrderItem,
    Part,
    Product,
    Source,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
)

# fmt: off
__all__ = [
    "MEDIA", "MOST_TEMPLATES", "Account", "AccountChanged", "ApprovedTemplate", "Audio", "BadPayload", "BadSignature",
    "Button", "Card", "Cards", "Channel", "Choice", "Choices", "Claim", "ContactCard", "Content", "EchoReceived", "File",
    "Form", "Http", "IdentityChanged", "Image", "InDoubt", "Inbound", "Io", "Link", "Location", "Media", "MessageEdited",
    "MessageRecalled", "MessageReceived", "Notice", "Nudge", "Order", "OrderItem", "Outbound", "Outcome",
    "Part", "Polled", "Post", "Product", "Profile", "ProfileReceived", "RawRequest", "ReachChanged", "Reacted",
    "Reauthorise", "ReceiptReceived", "Refused", "Reply", "Response", "Retry", "Sender", "Sent", "Source",
    "Sticker", "Stream", "Template", "Text", "Token", "Typed", "Unreadable", "Unsupported", "Video", "decode",
    "field", "redact", "secret", "secrets_of",
]
# fmt: on


# -- what comes in ---------------------------------------------------------------------------------------------------


class RawRequest(msgspec.Struct, frozen=True):
    """One request at the webhook door. Header names are lower-case; `body` is what was signed, byte for byte."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Reply(msgspec.Struct, frozen=True):
    """An answer of the platform's own liking, where 200 with an empty body won't do."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class BadSignature(Exception):
    """The request isn't the platform's. Answered 401, counted, nothing stored."""


# -- what goes out ---------------------------------------------------------------------------------------------------


class Content(msgspec.Struct, frozen=True):
    """A stored file, ready to be sent. `url` is its signed public address, `poster` that of a still (PNG) for a video; may be empty."""

    name: str
    mime: str
    data: bytes
    url: str = ""
    poster: str = ""


class Outbound(msgspec.Struct, frozen=True):
    """One platform message, already cut to the platform's size by `core.fit`.

    `parts` are one send's worth (usually one part). `idempotency_key` is stable over retries. `thread` are the
    Message-IDs of a mail's ancestors, oldest first. `reply_to` is the platform's id of the message answered. `handle` is
    the newest fresh `reply_handle` of the customer's messages; one that is good once only is given unused, on the first
    attempt. `late`: no reply window is open any more, but the manifest's `late_hours` have not passed. `author` is agent
    or automation. An address `comment:<id>` asks for the private answer to a comment.
    """

    account: str
    to: str
    parts: Sequence[Part]
    idempotency_key: str
    reply_to: str = ""
    subject: str = ""
    thread: Sequence[str] = ()
    slot: str = ""
    author: str = ""
    handle: str = ""
    late: bool = False


class Sent(msgspec.Struct, frozen=True):
    """The platform took it. `status` is sent, or delivered where acceptance means arrival. Ids may be empty."""

    external_id: str = ""
    status: str = "sent"


# -- the outside world, as an adapter may touch it -------------------------------------------------------------------


class Http(Protocol):
    """Outbound HTTP under the address guard. Connect failures raise Retry; an answer that never came raises InDoubt."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        content: bytes | None = None,
        timeout: float = 20,
        max_bytes: int = 50_000_000,
    ) -> Response: ...


class Stream(Protocol):
    """A guarded TCP connection's address: connect exactly here, with `server_name` for TLS."""

    host: str
    port: int
    address: str


class Token(msgspec.Struct, frozen=True):
    """An access token as a platform hands it out, and how many seconds it lives."""

    value: str
    seconds: float


class Io(Protocol):
    """All of the outside world that an adapter may use.

    `token` returns a connection's access token: one for all processes, kept sealed, fetched by one caller at a
    time and again before it expires; `instead_of` names a value that the platform has just refused. `http` talks;
    `resolve` checks host and port against the address guard and returns the one address to connect to (for libraries
    that speak IMAP, SMTP or SMPP themselves); `file` loads a stored file that a part names; `platform_url` returns an
    operator's replacement for a platform's base URL (the sandbox), else the default given.
    """

    http: Http

    async def resolve(self, host: str, port: int) -> Stream: ...
    async def file(self, file_id: UUID) -> Content: ...
    async def token(self, name: str, fetch: Callable[[], Awaitable[Token]], instead_of: str = "") -> str: ...
    def platform_url(self, name: str, default: str) -> str: ...


# -- the protocol ----------------------------------------------------------------------------------------------------

MOST_TEMPLATES = 500


class Account(msgspec.Struct, frozen=True):
    """A number, bot, page or mailbox that these credentials can speak for."""

    external_id: str
    name: str


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a platform tells of a person on request; `claims` are further identifiers (a UnionID), `data` the rest."""

    name: str = ""
    language: str = ""
    avatar: Source | None = None
    claims: Sequence[Claim] = ()
    data: Mapping[str, Any] = {}


class Post(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a comment stands under: shown above the conversation. `picture` may be a link that expires."""

    text: str = ""
    url: str = ""
    picture: str = ""
    author: str = ""


class ApprovedTemplate(msgspec.Struct, frozen=True):
    """A message template that may be sent now. `name` and `language` are what a Template names.

    `text` holds `{variable}` where a value goes; `variables` are those names, in the order in which a Template gives the
    values, and where the platform knows them by name (`named`) each value is given as `variable=value`. `title` and
    `category` are for people, in the platform's words.
    """

    name: str
    language: str
    text: str
    variables: list[str] = []
    title: str = ""
    category: str = ""
    named: bool = False


class Polled(msgspec.Struct, frozen=True):
    """Facts fetched by polling, the cursor to save with them in one transaction, and whether more is waiting.

    `raw` are the bytes the facts came from, kept for replay.
    """

    facts: Sequence[Inbound]
    cursor: str
    more: bool = False
    raw: bytes = b""


class Channel(Protocol):
    """What every adapter is. Optional members are the protocols below; the manifest names those an adapter has."""

    config_type: ClassVar[type[msgspec.Struct]]

    def __init__(self, config: Any, io: Io) -> None: ...
    def verify(self, request: RawRequest) -> None:
        """Raise BadSignature unless the request is the platform's. Pure; compares in constant time."""

    def parse(self, request: RawRequest) -> list[Inbound]:
        """Return the facts of one request. Pure. Raises BadPayload for the envelope only; unknown → Unsupported."""

    async def send(self, message: Outbound) -> Sent:
        """Hand one message to the platform; raises Retry, Refused, Reauthorise or InDoubt."""

    async def probe(self) -> list[Account]:
        """Check the credentials and list the accounts they serve; raises Reauthorise or Refused in the platform's words."""


@runtime_checkable
class Prepares(Protocol):
    """Needs something from outside before `verify` can judge: the certificate that a request names.

    Called by the door before `verify`, with the platform's own request. Raises BadSignature where the request names a place
    that can't be the platform's, Retry or InDoubt when that place doesn't answer (the platform is asked to repeat).
    """

    async def prepare(self, request: RawRequest) -> None: ...


@runtime_checkable
class Challenges(Protocol):
    """Answers the platform's verification request (GET with a challenge)."""

    def challenge(self, request: RawRequest) -> Reply: ...


@runtime_checkable
class Acks(Protocol):
    """Wants something other than an empty 200 as acknowledgement."""

    def ack(self, request: RawRequest) -> Reply: ...


@runtime_checkable
class Registers(Protocol):
    """Can tell the platform our webhook address."""

    async def register(self, webhook_url: str) -> None: ...


@runtime_checkable
class Polls(Protocol):
    """Fetches instead of being told. `cursor` is what the last call returned, empty at first; `hint` what the Nudge carried that
    led here, given only where there is one (adapters without nudges need no such argument).
    """

    async def poll(self, account: str, cursor: str, hint: str = "") -> Polled: ...


@runtime_checkable
class Sessions(Protocol):
    """Keeps a long-lived connection (IMAP IDLE, SMPP) under the connection's lease.

    Yields batches as they come; the caller has stored a batch, cursor included, before it asks for the next one. `load`
    returns the saved cursor of an account.
    """

    def session(self, load: Callable[[str], Awaitable[str]]) -> AsyncGenerator[tuple[str, Polled], None]: ...


@runtime_checkable
class FetchesMedia(Protocol):
    """Downloads media by the platform's reference (or a listed sticker's key); raises Retry, Refused (expired) or Reauthorise."""

    async def fetch_media(self, account: str, source: Source) -> Content: ...


@runtime_checkable
class ExtractsMedia(Protocol):
    """Takes media out of a raw body that we keep (mail attachments, HTML bodies). Pure; called off the event loop."""

    def extract_media(self, raw: bytes, sources: Sequence[Source]) -> list[Content | Refused]:
        """Return one answer for each source: the content, or why there is none."""
        ...


@runtime_checkable
class FetchesProfile(Protocol):
    """Looks a person up."""

    async def fetch_profile(self, account: str, claim: Claim) -> Profile: ...


@runtime_checkable
class FetchesPost(Protocol):
    """Looks up the post (photo, video) whose comments are a conversation; `post` is what follows `post:` in the slot."""

    async def fetch_post(self, account: str, post: str) -> Post: ...


@runtime_checkable
class ListsTemplates(Protocol):
    """Knows which templates the platform has approved: asked when somebody is about to choose one.

    Returns at most MOST_TEMPLATES, only those that `send` can send; raises like `probe`.
    """

    async def list_templates(self, account: str) -> list[ApprovedTemplate]: ...


@runtime_checkable
class Checks(Protocol):
    """Knows more of its health than `probe`: a subscription switched off, a webhook in trouble, a quality mark.

    Called every few minutes with our webhook address; returns news (none is well), raises like `probe`.
    """

    async def check(self, webhook_url: str) -> list[AccountChanged]: ...


@runtime_checkable
class Converses(Protocol):
    """Answers inside the platform's request (voice skills): the door holds it until words are there, or a deadline.

    `parts` is what agents or automation have said since the last turn, empty at the deadline (`converse_seconds` of the
    manifest). `send` is never called for such a channel. Pure.
    """

    def converse(self, request: RawRequest, parts: Sequence[Part]) -> Reply: ...


@runtime_checkable
class MarksRead(Protocol):
    """Tells the platform that an agent has read (and, where it can, is typing)."""

    async def mark_read(self, account: str, to: str, external_id: str, typing: bool) -> None: ...
