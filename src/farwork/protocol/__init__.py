"""The native API on the wire: msgspec models that the server and the SDK share."""
