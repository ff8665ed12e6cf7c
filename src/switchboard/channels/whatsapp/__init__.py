"""WhatsApp Business, through Meta's Cloud API."""

from switchboard.channels.whatsapp.channel import WhatsAppChannel

CHANNEL = WhatsAppChannel
