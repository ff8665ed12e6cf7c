"""What happens by itself: so far the automatic answer to whoever opens a conversation by a channel that has one.

Tables: none of its own; what it wants is filed as commands.
"""
