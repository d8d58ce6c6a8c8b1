"""The domain, proved without a server: examples, properties, and the whole state table."""
