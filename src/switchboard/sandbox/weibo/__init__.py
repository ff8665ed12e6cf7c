"""Weibo's fans' service platform: private messages of a verified account in developer mode."""
