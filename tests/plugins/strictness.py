"""Skips are counted aloud, and where `CI` is set a skip fails.

A test that means something only to root is left out elsewhere, which is no skip.
"""

import os
from collections.abc import Generator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "as_root: means something only when root runs the tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.geteuid() == 0:
        return
    left_out = [item for item in items if item.get_closest_marker("as_root")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid}: {reason}\nA skip is a failure where CI is set: provide what it asks for."
        )
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    count = len(terminalreporter.stats.get("skipped", []))
    if count:
        terminalreporter.section("SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.write_line(
            f"{count} tests were NOT run. The reasons stand above; CI would fail here.", red=True
        )
