"""Which accounts of which platforms are connected: credentials, channels, health, leases, poll cursors.

Tables: connection, channel, lease, poll_cursor, connection_event.
"""
