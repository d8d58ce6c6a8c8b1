"""What a request asks: query and body, and what is wrong with them, field by field."""

from typing import Any, TypeVar, cast
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import inspect as kinds

from farwork.http.mistakes import bare, mistakes
from farwork.protocol.depth import is_too_deep

T = TypeVar("T")
SHA256_LENGTH = 64


class Flawed(Exception):
    """A request that cannot be taken; `flaws` are (field, what would be right)."""

    def __init__(self, flaws: list[tuple[str, str]]) -> None:
        super().__init__(f"{len(flaws)} flaws")
        self.flaws = flaws


class Refused(Exception):
    """A request that is answered with a status and a text."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def id_of(text: str) -> str:
    """An id as it is kept: a UUID in lower case with dashes, any other text as it is."""
    try:
        return str(UUID(text))
    except ValueError:
        return text


def body_of(raw: bytes, kind: type[T]) -> T:
    """A body as a record. Raises `Flawed` with everything that is wrong."""
    if is_too_deep(raw):
        raise Flawed([("", "is nested too deeply")])
    try:
        value = msgspec.json.decode(raw or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Flawed([("", f"is not JSON: {error}")]) from None
    if b"\\u0000" in raw:
        raise Flawed(_fields(mistakes(value, Any)))
    return _converted(value, kind, strict=True)


def query_of(query_string: bytes, kind: type[T]) -> T:
    """A query as a record; a name that is given several times is a list. Raises `Flawed`."""
    given = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
    said: dict[str, Any] = {}
    flaws: list[tuple[str, str]] = []
    struct = cast("kinds.StructType", kinds.type_info(kind))
    for field in struct.fields:
        if field.encode_name in given:
            values = given[field.encode_name]
            try:
                said[field.encode_name] = _value(values, bare(field.type))
            except ValueError as error:
                flaws.append((field.encode_name, str(error)))
    try:
        record = _converted(said, kind, strict=True)
    except Flawed as error:
        raise Flawed([*flaws, *error.flaws]) from None
    if flaws:
        raise Flawed(flaws)
    return record


def _value(values: list[str], kind: kinds.Type) -> Any:
    """The values of a parameter, as JSON would have them."""
    match kind:
        case kinds.ListType():
            return [one for value in values for one in value.split(",") if one]
        case kinds.IntType():
            text = values[-1].strip()
            if not text.lstrip("-").isdecimal() or not text.isascii():
                raise ValueError("must be a whole number")
            return int(text[:20])
        case kinds.BoolType():
            # Python's own words for them are what its client sends.
            word = values[-1].lower()
            if word not in ("true", "false"):
                raise ValueError("must be true or false")
            return word == "true"
        case _:
            return values[-1]


def _converted(value: Any, kind: type[T], *, strict: bool) -> T:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise Flawed(_fields(mistakes(value, kind)) or [("", str(error))]) from None


def _fields(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What is wrong, by the field that it is in."""
    return [(pointer[1:].partition("/")[0], said) for pointer, said in found]


def sha256_of(text: str) -> str:
    """The SHA-256 of an address, in lower case. Raises `Flawed`."""
    found = text.lower()
    if len(found) != SHA256_LENGTH or not set(found) <= set("0123456789abcdef"):
        raise Flawed([("sha256", "must be a SHA-256 of 64 hex digits")])
    return found
