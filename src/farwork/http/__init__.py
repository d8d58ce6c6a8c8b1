"""The server: HTTP in front of the use cases."""
