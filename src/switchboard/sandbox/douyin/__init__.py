"""Douyin's open platform: private messages, fan groups, comments under videos."""
