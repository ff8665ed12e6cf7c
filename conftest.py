"""Fixtures for every test, beside the code under src/ as well as under tests/."""

pytest_plugins = ["tests.plugins.postgres", "tests.plugins.programs", "tests.plugins.strictness"]
