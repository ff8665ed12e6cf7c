"""Messenger and Instagram under the Graph API's paths: pages, professional accounts, their walls and their webhooks."""
