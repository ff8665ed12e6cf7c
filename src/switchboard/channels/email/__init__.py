"""E-mail: any mailbox with IMAP or POP3, and SMTP."""

from switchboard.channels.email.channel import EmailChannel

CHANNEL = EmailChannel
