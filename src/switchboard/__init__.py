"""Switchboard: a self-hosted contact centre where every channel lands in one workspace."""

__version__ = "0.1.0"
