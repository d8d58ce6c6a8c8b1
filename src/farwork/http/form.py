"""Reading HTML forms, as OAuth2 sends them. No value of a form is told back: it may be secret."""

import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from farwork.http.body import InvalidBody, bad_request, invalid
from farwork.http.mistakes import Mistake

T = TypeVar("T", bound=Struct)

MEDIA_TYPE = "application/x-www-form-urlencoded"
FIELDS_MAX = 50
_MISSING = re.compile(r"Object missing required field `(\w+)`")


def form_of(raw: bytes, content_type: str, kind: type[T]) -> T:
    """The form in a body; fields that it does not know are left aside (RFC 6749, section 3.2).

    Raises `InvalidBody`.
    """
    if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise _unsupported()
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
        )
    except ValueError:
        title = "The body is not a form."
        raise bad_request([("", "must be a form in UTF-8, percent-encoded")], title) from None
    known = set(kind.__struct_fields__)
    said: dict[str, str] = {}
    problems: list[Mistake] = []
    for name, text in pairs:
        if name in said:
            problems.append((f"/{name}", "is given more than once"))
        elif name in known:
            said[name] = text
    found: T | None = None
    try:
        found = msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        problems.append(_problem(str(error)))
    if found is None or problems or any("\0" in text for text in said.values()):
        raise invalid(problems or [("", "must not hold a NUL")])
    return found


def _problem(said: str) -> Mistake:
    """What msgspec says of a text: it names the bound and the place, and a wrong word of a few."""
    missing = _MISSING.fullmatch(said)
    if missing is not None:
        return f"/{missing[1]}", "is missing"
    what, _, place = said.partition(" - at `$.")
    field = place.rstrip("`")
    detail = "is not one of those that are known here" if "enum value" in what else what
    return f"/{field}", detail


def _unsupported() -> InvalidBody:
    return InvalidBody(
        "The body is of another type than is taken here.",
        status=415,
        code="unsupported_media_type",
        detail=f"Send a form: 'Content-Type: {MEDIA_TYPE}'.",
    )
