"""WhatsApp Cloud API as served under the Graph API's paths, and the webhooks that it sends."""
