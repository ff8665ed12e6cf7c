"""The sandbox's own time, which can be moved to close a reply window or to let a file expire."""

import time


class Clock:
    """Seconds since 1970, shifted."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def now(self) -> float:
        """Shifted time."""
        return time.time() + self.offset_seconds

    def shift(self, seconds: float) -> None:
        """Move forward (or back)."""
        self.offset_seconds += seconds

    def reset(self) -> None:
        """Back to the machine's time."""
        self.offset_seconds = 0.0


class Bucket:
    """Token bucket on real time: `burst` at once, then `per_second`."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = burst
        self._at = time.monotonic()

    def take(self) -> float:
        """0 when one may pass, else the seconds to wait."""
        now = time.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._per_second)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._per_second
