"""May we answer this mail by machine? Two machines answering each other fill mailboxes within minutes."""

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from switchboard.channels.api import MessageReceived

_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|bounces?|no-?reply|do-?not-?reply|donotreply|auto-?reply|listserv|majordomo)"
    r"(?:[+=.-].*)?@",
    re.IGNORECASE,
)


class Caps(msgspec.Struct, frozen=True):
    """How many automatic answers one sender may get."""

    an_hour: int = 2
    a_day: int = 5


class Verdict(msgspec.Struct, frozen=True):
    """Whether an automatic answer may go out, and if not, why."""

    allowed: bool
    reason: str = ""


def automatic(headers: Mapping[str, Sequence[str]], sender: str, own: str, kind: str) -> str:
    """Return why a mail counts as written by a machine, empty when a person seems to have written it.

    `headers` have lower-case names; `kind` is the content type of the whole mail.
    """

    def words(name: str) -> str:
        return " ".join(headers.get(name, ())).strip().lower()

    submitted = words("auto-submitted").partition(";")[0].strip()
    suppress = set(re.split(r"[,;\s]+", words("x-auto-response-suppress")))
    checks = (
        (submitted not in ("", "no"), f"Auto-Submitted: {submitted}"),
        (words("precedence") in ("bulk", "junk", "list", "auto_reply"), f"Precedence: {words('precedence')}"),
        (any(words(name) for name in ("list-id", "list-post", "list-unsubscribe")), "a mailing list"),
        ("return-path" in headers and words("return-path") in ("", "<>"), "no return path"),
        (bool(suppress & {"all", "autoreply", "oof"}), "X-Auto-Response-Suppress"),
        (bool(words("x-autoreply") or words("x-autorespond")), "an automatic answer"),
        (kind == "multipart/report", "a delivery report"),
        (bool(_ROBOTS.match(sender)), "the sender is a robot"),
        (sender == own.lower(), "our own address"),
    )
    return next((reason for is_so, reason in checks if is_so), "")


def auto_reply(
    message: MessageReceived, *, own: Collection[str], last_hour: int, last_day: int, caps: Caps | None = None
) -> Verdict:
    """Decide whether this mail may be answered by machine.

    `own` are the addresses of all our mailboxes; `last_hour` and `last_day` count automatic answers that this
    sender already got.
    """
    caps = caps or Caps()
    mailboxes = {address.lower() for address in own}
    sender = message.sender.claims[0].value.lower() if message.sender.claims else ""
    checks = (
        (message.auto, "written by a machine"),
        (message.backfill, "an old mail"),
        (not sender or not message.address, "nobody to answer"),
        (sender in mailboxes or message.address.lower() in mailboxes, "one of our own mailboxes"),
        (bool(_ROBOTS.match(message.address)), "the answer would go to a robot"),
        (last_hour >= caps.an_hour, f"{last_hour} automatic answers within the hour"),
        (last_day >= caps.a_day, f"{last_day} automatic answers within the day"),
    )
    return next((Verdict(False, reason) for is_so, reason in checks if is_so), Verdict(True))
