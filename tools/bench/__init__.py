"""Measures the numbers to hold: `python -m tools.bench [pipe latency sockets inbox search start kills]
[--full]`.

Each number is a ratio or a time taken in one run on one machine, against the product as it is served
(`switchboard serve`, real HTTP and WebSockets on loopback), with a database and a directory of its own that
are removed afterwards. What is compared is measured in turns, since a shared machine is never the same
twice. A benchmark reports; it never fails a build.
"""
