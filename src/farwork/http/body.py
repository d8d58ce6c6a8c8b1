"""Reading bodies: msgspec decodes the good ones; of a bad one, its JSON schema lists everything that is wrong."""

from functools import cache
from typing import Any, TypeVar

import jsonschema_rs
import msgspec
from litestar import Request

T = TypeVar("T")

DEPTH_MAX = 64
# A NUL can only come as an escape. PostgreSQL keeps none in text, and no reader expects one.
_NUL = b"\\u0000"


class InvalidBody(Exception):
    """A body that cannot be taken. `problems` are (JSON pointer, what is wrong)."""

    def __init__(
        self,
        title: str,
        problems: list[tuple[str, str]] | None = None,
        *,
        status: int = 422,
        code: str = "invalid_body",
        detail: str | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.problems = problems or []
        self.status = status
        self.code = code
        self.detail = detail


def not_json(detail: str) -> InvalidBody:
    """A body that is not JSON at all."""
    return InvalidBody("The body is not JSON.", status=400, code="not_json", detail=detail)


async def read(request: Request[Any, Any, Any], bytes_max: int) -> bytes:
    """The body, if it is not larger than `bytes_max`; a larger one is not read to its end."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > bytes_max:
        raise too_large(bytes_max)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > bytes_max:
            raise too_large(bytes_max)
        chunks.append(chunk)
    return b"".join(chunks)


def too_large(bytes_max: int) -> InvalidBody:
    """A body beyond the bound."""
    return InvalidBody(
        "The body is too large.",
        status=413,
        code="body_too_large",
        detail=f"At most {bytes_max} bytes are taken here; send more in several requests.",
    )


def decode(raw: bytes, decoder: "msgspec.json.Decoder[T]", prefix: str = "") -> T:
    """The value of a JSON body. Raises `InvalidBody` with every problem of it, pointers beginning with `prefix`."""
    try:
        value = decoder.decode(raw)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(raw, decoder.type, str(error), prefix) from None
    if _NUL in raw:
        problems = [(prefix + where, "holds a NUL character") for where in _nuls(value)]
        if problems:
            raise InvalidBody("The body has values that cannot be taken.", problems)
    return value


def explain(raw: bytes, kind: Any, first: str, prefix: str = "") -> InvalidBody:
    """Everything that is wrong with a body that should have been of this type."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return not_json(str(error))
    try:
        found = [
            (prefix + _pointer(error.instance_path), error.message)
            for error in _validator(kind).iter_errors(value)
        ]
    except (ValueError, RecursionError) as error:
        found = [(prefix, str(error))]
    problems = found or [(prefix, first)]
    return InvalidBody("The body has values that cannot be taken.", problems)


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


@cache
def _validator(kind: Any) -> Any:
    schema = msgspec.json.schema(kind)
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def _nuls(value: Any, pointer: str = "") -> list[str]:
    if isinstance(value, str):
        return [pointer] if "\0" in value else []
    if isinstance(value, dict):
        return [
            found for key, inner in value.items() for found in _nuls(inner, f"{pointer}/{key}")
        ] + [pointer for key in value if "\0" in str(key)]
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in _nuls(inner, f"{pointer}/{i}")]
    if isinstance(value, msgspec.Struct):
        return _nuls(msgspec.to_builtins(value), pointer)
    return []
