"""Is the sender who the From line says? Only our own mail server's word counts (RFC 8601, RFC 7489). Pure."""

import re
from collections.abc import Sequence

_COMMENT = re.compile(r"\([^()]*\)")


def dmarc_passed(results: Sequence[str], authserv_id: str, sender: str) -> bool:
    """Tell whether the trusted server says that DMARC passed for this sender.

    `results` are the Authentication-Results headers, topmost first. Only the topmost with our server's name
    counts: anything below may have come with the mail.
    """
    wanted = authserv_id.strip().lower()
    domain = sender.rpartition("@")[2].lower()
    if not wanted or not domain:
        return False
    for result in results:
        server, *methods = _without_comments(result).split(";")
        if (server.split() or [""])[0].lower() == wanted:
            return any(_passes(method, domain) for method in methods)
    return False


def _without_comments(text: str) -> str:
    for _ in range(5):
        shorter = _COMMENT.sub(" ", text[:10_000])
        if shorter == text:
            break
        text = shorter
    return text


def _passes(method: str, domain: str) -> bool:
    words = method.lower().split()
    if not words or words[0] != "dmarc=pass":
        return False
    named = [word.partition("=")[2] for word in words if word.startswith("header.from=")]
    return all(name.rpartition("@")[2] == domain for name in named)
