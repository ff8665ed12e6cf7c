"""What was said, and is it open: conversations, messages, edits, reactions.

Tables: conversation, conversation_channel, message, message_version, reaction, waiting_change.
"""
