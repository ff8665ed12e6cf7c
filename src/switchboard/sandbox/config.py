"""Settings of the sandbox; every one can be given on the command line."""

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Speeds are for people by default; a test makes them short."""

    state_file: str = ""
    """Accounts, customers and chats survive a restart in this file; empty = memory only. Not the ledger."""
    mail_host: str = "127.0.0.1"
    """Address on which SMTP, POP3 and SMPP listen."""
    smtp_port: int = 0
    """0 = any free port; the number is in the ready line and in `GET /sandbox/info`."""
    pop3_port: int = 0
    """As smtp_port."""
    smpp_port: int = 0
    """As smtp_port."""
    ledger_limit: int = 200_000
    """Entries kept; older ones are dropped and the answer says how many."""
    chats_limit: int = 20_000
    """Chats kept; the one that was quiet for longest goes first."""
    bubbles_limit: int = 500
    """Messages kept per chat."""
    media_limit_bytes: int = 512 * 1024 * 1024
    """Files kept in memory; the oldest go first."""
    updates_limit: int = 50_000
    """Webhook calls waiting per account; further ones are dropped and counted."""
    retry_first_seconds: float = 1.0
    """Pause after the first failed webhook call; doubles every time."""
    retry_longest_seconds: float = 60.0
    """Upper end of that pause."""
    retry_attempts: int = 12
    """Calls per webhook before it is given up."""
    webhook_timeout_seconds: float = 10.0
    """Wait for the product's answer to a webhook."""
    receipt_delay_seconds: float = 0.15
    """Pause before each of sent, delivered, read."""
    seed: bool = False
    """Create six customers so that the page is not empty."""
