"""Answers of the native API: JSON, encoded once."""

from typing import Any

import msgspec
from litestar import Response

encode = msgspec.json.Encoder().encode
JSON = "application/json"


def answer(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """A response with a value of the protocol."""
    return Response(encode(value), status_code=status, media_type=JSON, headers=headers)


def written(raw: bytes, *, status: int = 200) -> Response[bytes]:
    """A response with a body that is encoded already."""
    return Response(raw, status_code=status, media_type=JSON)
