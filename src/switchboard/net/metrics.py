"""Counts what goes out, by host and outcome."""

from typing import Final

from prometheus_client import Counter, Histogram

_requests: Final = Counter(
    "switchboard_outbound_requests", "Outgoing HTTP requests by host and outcome", ["host", "outcome"]
)
_seconds: Final = Histogram(
    "switchboard_outbound_seconds",
    "Duration of outgoing HTTP requests by host",
    ["host"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60),
)
_MAX_HOSTS: Final = 50
_hosts: set[str] = set()


def host_class(host: str) -> str:
    """Return a host's label: its name for the first fifty, then `other`: tenants can't flood the metrics."""
    if host not in _hosts:
        if len(_hosts) >= _MAX_HOSTS:
            return "other"
        _hosts.add(host)
    return host


def observe(host: str, outcome: str, seconds: float) -> None:
    """Record one request; `outcome` is 2xx to 5xx, retry, refused, indoubt or cancelled."""
    label = host_class(host)
    _requests.labels(label, outcome).inc()
    _seconds.labels(label).observe(seconds)
