"""Adapters: one folder per platform, each behind the protocol of `channels.api`, found by discovery."""
