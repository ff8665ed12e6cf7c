"""What several platforms of one maker share (signatures, envelopes, tokens, error codes), for their adapters to build on.

A module here is no adapter: it has no manifest, and knows `channels.api` and `channels.reading` only.
"""
