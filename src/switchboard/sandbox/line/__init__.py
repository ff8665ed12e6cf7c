"""LINE's Messaging API, its token endpoints, and the webhooks that it sends."""
