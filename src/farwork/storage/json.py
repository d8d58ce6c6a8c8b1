"""JSON text as we keep it."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode_text(value: Any) -> str:
    """JSON text of a value."""
    return _encoder.encode(value).decode()


def encode_or_none(value: Any) -> str | None:
    """JSON text of a value, None for None."""
    return None if value is None else _encoder.encode(value).decode()


def decode_text(data: str) -> Any:
    """The value of a JSON text."""
    return _decoder.decode(data)
