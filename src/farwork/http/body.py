"""Reading bodies: bounded, decoded by msgspec; of a bad one, everything that is wrong is listed."""

import json
from math import isfinite
from typing import Any, NoReturn, TypeVar

import msgspec
from litestar import Request

from farwork.http.mistakes import JsonValue, Mistake, below, mistakes
from farwork.protocol.depth import DEPTH_MAX, is_too_deep, path_to_the_deep
from farwork.protocol.tasks import VerbIn

T = TypeVar("T")

STEPS_SHOWN_MAX = 5
_nothing = msgspec.json.Decoder(VerbIn)


class InvalidBody(Exception):
    """A request that cannot be taken. `problems` are (JSON pointer, what would be right)."""

    def __init__(
        self,
        title: str,
        problems: list[Mistake] | None = None,
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


def invalid(problems: list[Mistake]) -> InvalidBody:
    """A body that is JSON, with values that cannot be taken."""
    return InvalidBody("The body has values that cannot be taken.", problems)


def bad_request(
    problems: list[Mistake], title: str = "A parameter cannot be taken."
) -> InvalidBody:
    """A request whose parameters or headers cannot be taken."""
    return InvalidBody(title, problems, status=400, code="bad_request")


def not_json(detail: str, problems: list[Mistake] | None = None) -> InvalidBody:
    """A body that is not JSON at all."""
    return InvalidBody(
        "The body is not JSON.", problems, status=400, code="not_json", detail=detail
    )


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


async def nothing(request: Request[Any, Any, Any], bytes_max: int) -> None:
    """Read a body that need say nothing and can say nothing. Raises `InvalidBody`."""
    raw = await read(request, bytes_max)
    if raw.strip():
        decode(raw, _nothing)


def too_large(bytes_max: int) -> InvalidBody:
    """A body beyond the bound."""
    return InvalidBody(
        "The body is too large.",
        status=413,
        code="body_too_large",
        detail=f"At most {bytes_max} bytes are taken here; send more in several requests.",
    )


def too_deep(raw: bytes, prefix: str = "") -> InvalidBody:
    """A body with values inside values inside values."""
    where = prefix
    for step in path_to_the_deep(raw)[:STEPS_SHOWN_MAX]:
        where = below(where, step)
    said = f"is nested more than {DEPTH_MAX} levels deep"
    return InvalidBody("The body is nested too deeply.", [(where, said)], code="nested_too_deeply")


def decode(
    raw: bytes, decoder: "msgspec.json.Decoder[T]", prefix: str = "", *, bounded: bool = True
) -> T:
    """The value of a JSON body.

    Raises `InvalidBody` with everything that is wrong, pointers beginning with `prefix`. Whoever
    does without bounds sees to depth and to the years of times himself.
    """
    if bounded and is_too_deep(raw):
        raise too_deep(raw, prefix)
    try:
        value = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(raw, decoder.type, error, prefix)
    # What msgspec takes may still hold a NUL (it can only come as an escape; PostgreSQL keeps none
    # in text), or a time that UTC puts outside of the years 1 to 9999.
    if b"\\u0000" in raw or (bounded and (b"0001-" in raw or b"9999-" in raw)):
        check(raw, decoder.type, prefix)
    return value


def check(raw: bytes, kind: Any, prefix: str = "") -> None:
    """Look again at a body that msgspec takes. Raises `InvalidBody`."""
    if is_too_deep(raw):
        raise too_deep(raw, prefix)
    found = mistakes(msgspec.json.decode(raw), kind, prefix)
    if found:
        raise invalid(found)


def _refuse(raw: bytes, kind: Any, first: Exception, prefix: str) -> NoReturn:
    """Raise everything that is wrong with a body that should have been of this type."""
    if is_too_deep(raw):
        raise too_deep(raw, prefix) from None
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error, prefix) from None
    # msgspec is the judge: where it refuses what the walk cannot find, its own words must do.
    raise invalid(mistakes(value, kind, prefix) or [(prefix, str(first))]) from None


# --- what is not JSON ---


def _malformed(raw: bytes, error: Exception, prefix: str) -> InvalidBody:
    if not raw.strip():
        return not_json("The body is empty; JSON is expected.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as bad:
        return not_json(f"It is not UTF-8: byte {bad.start} is {hex(raw[bad.start])}.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return not_json(_sentence(str(error)))
    # Python's own reader takes what JSON does not have, so that the places can be named.
    return not_json(_sentence(str(error)), _strangers(value, prefix))


def _sentence(text: str) -> str:
    plain = text.removeprefix("JSON is malformed: ")
    return f"{plain[:1].upper()}{plain[1:]}."


def _strangers(value: JsonValue, at: str) -> list[Mistake]:
    match value:
        case str() if _is_broken(value):
            return [(at, "must not hold half of a surrogate pair")]
        case float() if not isfinite(value):
            return [(at, "must be a number that is finite")]
        case dict():
            keys = [
                (below(at, key), "the key must not hold half of a surrogate pair")
                for key in value
                if _is_broken(key)
            ]
            return keys + [f for k, inner in value.items() for f in _strangers(inner, below(at, k))]
        case list():
            return [f for i, inner in enumerate(value) for f in _strangers(inner, below(at, i))]
        case _:
            return []


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
