"""How often one number may get a text: the providers count by half a minute, minute, hour and day."""

from switchboard.sandbox.state import PlatformAccount

DAY_SECONDS = 86_400
MOST_KEYS = 20_000


def exceeded(account: PlatformAccount, key: str, now: float, limits: tuple[tuple[float, int], ...]) -> float:
    """Return the period (seconds) whose limit one more message would break, else count it and return 0."""
    sent: dict[str, list[float]] = account.kept.setdefault("sent", {})
    times = [at for at in sent.get(key, []) if at > now - DAY_SECONDS]
    for seconds, most in limits:
        if sum(at > now - seconds for at in times) >= most:
            return seconds
    if len(sent) >= MOST_KEYS:
        sent.clear()
    sent[key] = [*times, now]
    return 0.0
