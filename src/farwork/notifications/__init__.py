"""Outgoing webhooks: turns the feed into deliveries and makes them."""
