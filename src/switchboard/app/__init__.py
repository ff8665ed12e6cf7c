"""Composition root: settings, command line, server, workers, demo. Builds and runs everything; holds no rules."""
