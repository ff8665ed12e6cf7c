"""Telegram Bot API as served under `/bot<token>/<method>`, and the updates that it sends."""
