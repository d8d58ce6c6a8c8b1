"""Follows the feed: who waits for news is woken, and reads the log."""
